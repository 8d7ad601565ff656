"""A query of the ORM compiled once and asked again and again: only its parameters differ."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connections
from django.db.models import CharField, DateField, Model, QuerySet, UUIDField, Value
from django.db.models.sql.compiler import SQLCompiler

from scripting.storage.straight import as_driver_takes_it, driver

TOGETHER = (1, 4, 16, 64)
"""Values that one query of `Among` asks for: each form of it is compiled once."""


_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
"""The same of `Lookup`, which asks for all at once."""

M = TypeVar("M", bound=Model)


class Parameter(str):
    """Stands in a query for a text that comes later; it is that parameter's name."""

    __slots__ = ()


def number(name: str) -> Value:
    """Stands in a query for a number, or a moment, that comes later and has this name; of a foreign key in `owner__id__in`, not in `owner_id__in`."""
    return Value(Parameter(name), output_field=CharField())


class _Compiled(NamedTuple):
    sql: str
    parameters: tuple[Any, ...]
    converters: tuple[tuple[int, list[Callable[..., Any]], Any], ...]
    """Converters from a column's value to the field's, by place in the row."""
    of_driver: str
    """The statement as SQLite's driver takes it; empty for one that holds a `%` of its own."""


class Prepared:
    """Answers what `make` (a `values_list` with `Parameter`s among its filters) would, at a tenth of the ORM's price."""

    def __init__(self, make: Callable[[], QuerySet[Any, Any]]) -> None:
        self._make = make
        self._compiled: dict[str, _Compiled] = {}
        _all.add(self)

    def compile_ahead(self, using: str) -> None:
        """Compile it for the database of this alias before it is asked, where that takes no connection: for one that locks rows it may."""
        if not (connections[using].features.has_select_for_update and self._make().query.select_for_update):
            self._compiled[using] = self._compile(using)

    def rows(self, using: str, **values: str | int | list[str]) -> list[tuple[Any, ...]]:
        """The rows from the database of this alias, with these values in the place of the parameters."""
        compiled = self._compiled.get(using)
        if compiled is None:
            compiled = self._compiled[using] = self._compile(using)
        given: list[Any] = [values[value] if isinstance(value, Parameter) else value for value in compiled.parameters]
        connection = connections[using]
        found: list[tuple[Any, ...]]
        if compiled.of_driver and (straight := driver(connection)):
            with connection.wrap_database_errors:
                found = straight.execute(compiled.of_driver, given).fetchall()
        else:
            with connection.cursor() as cursor:
                cursor.execute(compiled.sql, given)
                found = cursor.fetchall()
        if not compiled.converters:
            return found
        if not found:
            return found
        columns: list[Sequence[Any]] = list(zip(*found, strict=True))
        for place, converters, expression in compiled.converters:
            convert = partial(_converted, converters=converters, expression=expression, connection=connection)
            column = columns[place]
            if len(column) > 1 and isinstance(
                expression.output_field, _UNCHANGING
            ):  # many rows have few different ones
                known = {value: convert(value) for value in set(column)}
                columns[place] = [known[value] for value in column]
            else:
                columns[place] = [convert(value) for value in column]
        return list(zip(*columns, strict=True))

    def _compile(self, using: str) -> _Compiled:
        return _compiled(self._make().query.get_compiler(using=using))


class Objects(Prepared, Generic[M]):
    """The objects that `make` would find, with what it selects along and annotates."""

    def __init__(self, make: Callable[[], QuerySet[M]]) -> None:
        super().__init__(make)
        self._builders: dict[str, Callable[[tuple[Any, ...]], M]] = {}

    def found(self, using: str, **values: str | int) -> list[M]:
        """Those in the database of this alias, with these values in the place of the parameters."""
        rows = self.rows(using, **values)
        return list(map(self._builders[using], rows))

    def _compile(self, using: str) -> _Compiled:
        compiler = self._make().query.get_compiler(using=using)
        compiled = _compiled(compiler)
        self._builders[using] = _builder(compiler, using)
        return compiled


class _OneByOne(Prepared):
    """Asks the same of each text of an array, in one statement of PostgreSQL: `make` compares with one text and has no other parameter."""

    def _compile(self, using: str) -> _Compiled:
        one = super()._compile(using)
        found = f"{one.sql % 'asked.one'} OFFSET 0"
        sql = f"SELECT found.* FROM unnest(%s::text[]) AS asked(one) CROSS JOIN LATERAL ({found}) AS found"  # noqa: S608 - of ours
        return one._replace(sql=sql)


class Lookup:
    """The rows whose indexed column has one of many texts, of a `values_list`.

    PostgreSQL that has no statistics of a table, as in its first minute or after a restore, takes `IN` for a third of it and reads it whole.
    """

    def __init__(self, every: Callable[[], QuerySet[Any, Any]], column: str) -> None:
        self._one_by_one = _OneByOne(lambda: every().filter(**{column: Parameter("texts")}))
        self._at_once = functools.cache(
            lambda count: Prepared(lambda: every().filter(**{f"{column}__in": list(map(Parameter, _names(count)))}))
        )

    def rows(self, using: str, texts: Collection[str]) -> list[tuple[Any, ...]]:
        if connections[using].vendor == "postgresql":
            return self._one_by_one.rows(using, texts=list(texts))
        if not texts:
            return []
        size = next((size for size in _SIZES if size >= len(texts)), len(texts))
        asked = list(texts)
        asked += asked[-1:] * (size - len(asked))  # each size is compiled once, which costs as much as to ask ten times
        return self._at_once(size).rows(using, **dict(zip(_names(size), asked, strict=True)))


class Among:
    """The rows that some of many values have; `make` is given their names in the query, to be put behind an `__in`."""

    def __init__(self, make: Callable[[Sequence[str]], QuerySet[Any, Any]]) -> None:
        self._forms = {size: Prepared(partial(make, _names(size))) for size in TOGETHER}

    def rows(self, using: str, values: Collection[str | int]) -> list[tuple[Any, ...]]:
        """The rows of these values from the database of this alias: as the query orders them, for every 64 values in turn."""
        found: list[tuple[Any, ...]] = []
        left = list(values)
        while left:
            size = next((size for size in TOGETHER if size >= len(left)), TOGETHER[-1])
            now, left = left[:size], left[size:]
            now += [now[-1]] * (size - len(now))
            found += self._forms[size].rows(using, **dict(zip(_names(size), now, strict=True)))
        return found


def moment(at: datetime, using: str) -> str:
    """A moment as it is given in the place of `number` to the database of this alias."""
    adapted: Any = connections[using].ops.adapt_datetimefield_value(at)
    return adapted  # type: ignore[no-any-return] # a datetime where the driver takes one


def compile_all(using: str) -> None:
    """Compile what is known by now, for processes that are forked from this one: each would do it in its first second."""
    for prepared in tuple(_all):
        prepared.compile_ahead(using)


_all: weakref.WeakSet[Prepared] = weakref.WeakSet()


_UNCHANGING = (DateField, UUIDField)
"""Fields (of moments too) whose values rows may share."""


def _converted(value: Any, *, converters: Sequence[Callable[..., Any]], expression: Any, connection: Any) -> Any:
    """A value of a column as its field has it."""
    for convert in converters:
        value = convert(value, expression, connection)
    return value


def _names(size: int) -> list[str]:
    return [f"value{place}" for place in range(size)]


def _compiled(compiler: SQLCompiler) -> _Compiled:
    sql, parameters = compiler.as_sql()
    converters = compiler.get_converters([column[0] for column in compiler.select])
    of_driver = as_driver_takes_it(sql)
    return _Compiled(
        sql,
        tuple(parameters),
        tuple((place, *what) for place, what in converters.items()),
        "" if "%" in of_driver else of_driver,
    )


def _builder(compiler: SQLCompiler, using: str) -> Callable[[tuple[Any, ...]], Any]:
    """Makes the object of a row, as Django does it for a query that was compiled just now."""
    read = _reader(compiler.klass_info, compiler.select, using)
    annotated = dict(compiler.annotation_col_map or {})

    def build(row: tuple[Any, ...]) -> Any:
        made = read(row)
        for name, place in annotated.items():
            setattr(made, name, row[place])
        return made

    return build


def _reader(info: Any, select: Any, using: str) -> Callable[[tuple[Any, ...]], Any]:
    """Reads an object of the model that `info` tells of, and those selected along with it; None where the row has none."""
    model, places = info["model"], info["select_fields"]
    names = [select[place][0].target.attname for place in places]
    key = places[names.index(model._meta.pk.attname)]
    along = [
        (_reader(each, select, using), each["local_setter"], each["remote_setter"])
        for each in info.get("related_klass_infos", ())
    ]

    def read(row: tuple[Any, ...]) -> Any:
        if row[key] is None:
            return None
        made = model.from_db(using, names, [row[place] for place in places])
        for read_other, keep, keep_back in along:
            other = read_other(row)
            keep(made, other)
            if other is not None:
                keep_back(other, made)
        return made

    return read
