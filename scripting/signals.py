"""A saved script tells every process to look again: limits, switches and activations alike. A logout ends open pages."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest

from scripting.models import Script
from scripting.processes import generation, notices
from scripting.registry.active import registry
from scripting.workbench import sessions


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


@receiver(user_logged_out)
def logged_out(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    """What else the browser has open is told nothing any more."""
    session = getattr(request, "session", None)
    if session is not None and session.session_key:
        sessions.tell_ended(session.session_key)
