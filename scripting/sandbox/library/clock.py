"""The clock of a run: the moment recorded with it is what now(), timestamp() and datetime's own clocks answer."""

from __future__ import annotations

import datetime as real
from typing import Any

from scripting.sandbox.library.classes import FrozenClass
from scripting.sandbox.library.naming import rename_class
from scripting.sandbox.library.patterns import exact
from scripting.sandbox.library.present import present

_EPOCH = real.datetime(1970, 1, 1, tzinfo=real.UTC)


def microseconds() -> int:
    """The moment of the run: microseconds since 1970 UTC."""
    return present.moment_us


class _FrozenDates(FrozenClass):
    """Makes isinstance(value, date) true for the library's own dates too."""

    def __instancecheck__(cls, instance: object) -> bool:  # noqa: N805 - of a metaclass, though its base is not `type`
        return isinstance(instance, cls.__mro__[1])


class ScriptDate(real.date, metaclass=_FrozenDates):
    """datetime.date whose today is the run's."""

    __slots__ = ()

    @classmethod
    def today(cls) -> Any:
        moment = now()
        return cls(moment.year, moment.month, moment.day)

    @classmethod
    def strptime(cls, text: str, form: str) -> Any:
        parsed = real.datetime.strptime(text, exact(form))  # noqa: DTZ007
        return cls(parsed.year, parsed.month, parsed.day)


class ScriptDatetime(real.datetime, metaclass=_FrozenDates):
    """datetime.datetime whose present is the run's; the local time zone is UTC."""

    __slots__ = ()

    @classmethod
    def now(cls, tz: real.tzinfo | None = None) -> Any:
        moment = _at(cls, present.moment_us)
        return moment.replace(tzinfo=None) if tz is None else moment.astimezone(tz)

    @classmethod
    def utcnow(cls) -> Any:
        return _at(cls, present.moment_us).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Any:
        return cls.utcnow()

    @classmethod
    def strptime(cls, text: str, form: str) -> Any:
        # In Python, so that what the library imports on the way is found by the real import.
        return _same(cls, real.datetime.strptime(text, exact(form)))  # noqa: DTZ007

    def strftime(self, form: str) -> str:
        return super().strftime(form)

    def date(self) -> Any:
        return ScriptDate(self.year, self.month, self.day)


for _class, _name in ((ScriptDate, "date"), (ScriptDatetime, "datetime")):
    rename_class(_class, _name)
    type.__setattr__(_class, "__module__", "datetime")


for _limit in ("min", "max"):  # the library's own answer by the machine's clock
    type.__setattr__(ScriptDate, _limit, ScriptDate.fromordinal(getattr(real.date, _limit).toordinal()))
    type.__setattr__(
        ScriptDatetime, _limit, ScriptDatetime.combine(getattr(real.date, _limit), getattr(real.time, _limit))
    )


def now() -> Any:
    """The moment of the run as a datetime in UTC."""
    return _at(ScriptDatetime, present.moment_us)


def timestamp() -> int:
    """The moment of the run in whole seconds since 1970 UTC."""
    return present.moment_us // 1_000_000


class Timestamp(int):
    """The context variable `timestamp` where there is one: a number that also answers timestamp(), since both have the name."""

    __slots__ = ()

    def __call__(self) -> int:
        return timestamp()


rename_class(Timestamp, "int")


def _at(cls: type, microseconds: int) -> Any:
    return _same(cls, _EPOCH + real.timedelta(microseconds=microseconds))


def _same(cls: type, moment: real.datetime) -> Any:
    return cls(
        moment.year,
        moment.month,
        moment.day,
        moment.hour,
        moment.minute,
        moment.second,
        moment.microsecond,
        moment.tzinfo,
        fold=moment.fold,
    )
