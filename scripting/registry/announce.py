"""A saved script tells every process to look again: limits, switches and activations alike."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from scripting.models import Script
from scripting.processes import generation, notices
from scripting.registry.active import registry


@receiver(post_save, sender=Script)
def script_saved(sender: type[Script], instance: Script, using: str, **kwargs: Any) -> None:
    """After the commit: this process reads it anew at its next run, the others when they see the new generation or notice."""

    def tell() -> None:
        made = generation.bump()
        registry.discard(instance.module, instance.name, made)
        if made is not None:  # else nobody would hear: Redis is away
            notice = getattr(instance, "_notice", None) or notices.changed(instance)
            notices.send(notice.made(made))

    transaction.on_commit(tell, using=using)
