"""Times that the database keeps, by the site's clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models

from scripting import clock


class MomentField(models.DateTimeField):  # type: ignore[type-arg] # Django's own is no generic class at run time
    """A DateTimeField whose `auto_now` and `auto_now_add` go by the site's clock. To migrations it is a plain one."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if self.auto_now or (self.auto_now_add and add):
            value: datetime = clock.now()
            setattr(model_instance, self.attname, value)
            return value
        return super().pre_save(model_instance, add)

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, kwargs
