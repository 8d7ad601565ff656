"""A saved script tells every process to look again: limits, switches and activations alike."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from scripting import generation
from scripting.models import Script
from scripting.registry import registry


@receiver(post_save, sender=Script)
def script_saved(sender: type[Script], using: str, **kwargs: Any) -> None:
    def tell() -> None:
        generation.bump()
        registry.forget()

    transaction.on_commit(tell, using=using)
