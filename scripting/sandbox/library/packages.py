"""The packages that scripts may import: frozen facades of listed names, never the modules themselves.

A name is listed only if nothing reachable from it by admitted attributes is a module, a frame, shared and changeable, or evaluates
text. `functools.singledispatch` (evaluates annotations), `string.Formatter` (walks attributes) and their like are left out.
"""

from __future__ import annotations

import abc
import bisect
import collections
import collections.abc
import contextlib
import datetime
import fractions
import functools
import heapq
import importlib
import itertools
import json
import math
import random
import re
import statistics
import string
import sys
import textwrap
import types
from collections.abc import Callable, Iterable
from typing import Any

from scripting.sandbox.library import (
    copies,
    decimals,
    digests,
    enums,
    hints,
    operators,
    patterns,
    records,
    times,
)
from scripting.sandbox.library.abstract import abstractmethod, freeze_registries, is_own_function
from scripting.sandbox.library.clock import ScriptDate, ScriptDatetime
from scripting.sandbox.library.dice import ScriptRandom, reseed
from scripting.sandbox.library.facades import Package
from scripting.sandbox.library.naming import under_its_name
from scripting.sandbox.library.templates import Template
from scripting.sandbox.policy.names import is_dunder

_RANDOM = """
    random uniform triangular randint choice choices sample shuffle randrange getrandbits randbytes gauss normalvariate
    lognormvariate expovariate vonmisesvariate gammavariate betavariate paretovariate weibullvariate binomialvariate
"""
_STATISTICS = """
    NormalDist StatisticsError correlation covariance fmean geometric_mean harmonic_mean linear_regression mean median
    median_grouped median_high median_low mode multimode pstdev pvariance quantiles stdev variance
"""
_STRING = (
    "ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits octdigits printable punctuation whitespace"
)
_RE = """
    A ASCII I IGNORECASE M MULTILINE S DOTALL X VERBOSE U UNICODE NOFLAG
    Match Pattern compile error escape findall finditer fullmatch match search split sub subn
"""
_DATETIME = "MAXYEAR MINYEAR UTC date datetime time timedelta timezone"
_ABSTRACT = """
    Callable Collection Container Generator Hashable ItemsView Iterable Iterator KeysView Mapping MappingView MutableMapping
    MutableSequence MutableSet Reversible Sequence Set Sized ValuesView
"""
_CONTEXTS = "AbstractContextManager ContextDecorator ExitStack closing contextmanager nullcontext suppress"
_FUNCTOOLS = "cache cached_property cmp_to_key lru_cache partial reduce total_ordering wraps"
_COLLECTIONS = "ChainMap Counter OrderedDict defaultdict deque namedtuple"


def wraps(wrapped: Callable[..., Any]) -> Callable[[Any], Any]:
    """functools.wraps without the arguments that name attributes."""

    def decorate(wrapper: Any) -> Any:
        if is_own_function(wrapper) and isinstance(wrapped, types.FunctionType):
            wrapper.__name__ = wrapped.__name__
            wrapper.__qualname__ = wrapped.__qualname__
        return wrapper

    return decorate


def _listed(module: types.ModuleType, names: str | Iterable[str]) -> dict[str, Any]:
    wanted = names.split() if isinstance(names, str) else names
    return {name: getattr(module, name) for name in wanted if hasattr(module, name)}


def _public(module: types.ModuleType) -> list[str]:
    return [name for name in vars(module) if not name.startswith("_")]


def _build() -> dict[str, Package]:
    abstract = _listed(collections.abc, _ABSTRACT)
    offered: dict[str, dict[str, Any]] = {
        "math": _listed(math, _public(math)),
        "random": {**_listed(random, _RANDOM), "seed": reseed, "Random": ScriptRandom},
        "statistics": _listed(statistics, _STATISTICS),
        "json": _listed(json, "JSONDecodeError dumps loads"),
        "datetime": {**_listed(datetime, _DATETIME), "date": ScriptDate, "datetime": ScriptDatetime},
        "string": {**_listed(string, _STRING), "Template": Template},
        "re": _listed(re, _RE),
        "itertools": _listed(itertools, _public(itertools)),
        "functools": {**_listed(functools, _FUNCTOOLS), "wraps": wraps},
        "collections": {**_listed(collections, _COLLECTIONS), "abc": Package("collections.abc", abstract)},
        "collections.abc": abstract,
        "abc": {"ABC": abc.ABC, "abstractmethod": abstractmethod},
        "bisect": _listed(bisect, "bisect bisect_left bisect_right insort insort_left insort_right"),
        "calendar": times.CALENDAR,
        "contextlib": _listed(contextlib, _CONTEXTS),
        "copy": copies.MEMBERS,
        "dataclasses": records.DATACLASSES,
        "decimal": decimals.MEMBERS,
        "enum": enums.MEMBERS,
        "fractions": _listed(fractions, "Fraction"),
        "hashlib": digests.HASHLIB,
        "heapq": _listed(heapq, "heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest"),
        "operator": operators.MEMBERS,
        "textwrap": _listed(textwrap, "dedent fill indent shorten wrap"),
        "time": times.TIME,
        "types": {"SimpleNamespace": records.SimpleNamespace},
        "typing": hints.MEMBERS,
        "uuid": digests.UUID,
    }
    for members in offered.values():
        for name, value in members.items():
            under_its_name(name, value)
    return {name: Package(name, members, _ABSENT.get(name)) for name, members in offered.items()}


_ABSENT: dict[str, dict[str, str]] = {
    "calendar": times.CALENDAR_ABSENT,
    "dataclasses": records.DATACLASSES_ABSENT,
    "hashlib": digests.HASHLIB_ABSENT,
    "string": {"Formatter": "use an f-string, or text.format(…)"},
    "time": times.TIME_ABSENT,
    "typing": hints.ABSENT,
    "uuid": digests.UUID_ABSENT,
}
"""Names that a package has in full Python and not here, each with what to write instead."""

_LAZY = (
    "_strptime",
    "encodings.ascii",
    "encodings.cp1252",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.punycode",
    "encodings.raw_unicode_escape",
    "encodings.unicode_escape",
    "encodings.utf_16",
    "encodings.utf_16_be",
    "encodings.utf_16_le",
    "encodings.utf_32",
    "encodings.utf_8",
    "encodings.utf_8_sig",
    "json.encoder",
    "traceback",
    "warnings",
    *(("_pylong",) if sys.version_info >= (3, 12) else ()),
)


def import_lazy() -> None:
    """Import what the offered functions would import at first use: after the lockdown there is no file to read."""
    patterns.remember_plain_text_only()  # first: the library keeps hold of what it has used
    copies.keep_bound_methods()
    freeze_registries()
    for name in _LAZY:
        importlib.import_module(name)
    for package in PACKAGES:
        offered_names(package)


PACKAGES = _build()


@functools.cache
def offered_names(package: str) -> frozenset[str]:
    """The names that an allowed package offers; none for a package that there is no facade for."""
    facade = PACKAGES.get(package)
    return frozenset(name for name in vars(facade) if not is_dunder(name)) if facade else frozenset()
