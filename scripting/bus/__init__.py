"""Publish events from an app, a view or a command. These names are stable. Import them once Django's apps are ready."""

from scripting.bus.publishing import Message, Overloaded, publish, publish_many
from scripting.bus.rehearsal import Rehearsal

__all__ = ["Message", "Overloaded", "Rehearsal", "publish", "publish_many"]
