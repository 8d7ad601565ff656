"""Publish events from an app, a view or a command. These names are stable. Import them once Django's apps are ready."""

from scripting.bus.publishing import Message, NotAcknowledged, Overloaded, publish, publish_many
from scripting.bus.rehearsal import Rehearsal
from scripting.storage.redis_errors import RedisRefused

__all__ = ["Message", "NotAcknowledged", "Overloaded", "RedisRefused", "Rehearsal", "publish", "publish_many"]
