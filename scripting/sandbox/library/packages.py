"""The packages that scripts may import: frozen facades of listed names, never the modules themselves.

A name is listed only if nothing reachable from it by admitted attributes is a module, a frame, shared and changeable, or evaluates
text. `functools.singledispatch` (evaluates annotations), `string.Formatter` (walks attributes) and their like are left out.
"""

from __future__ import annotations

import collections
import datetime
import functools
import importlib
import itertools
import json
import math
import random
import re
import statistics
import string
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from scripting.sandbox.library import patterns
from scripting.sandbox.library.clock import ScriptDate, ScriptDatetime
from scripting.sandbox.library.dice import ScriptRandom, reseed


class Package:
    """A facade: the listed names as attributes, and nothing else."""

    def __init__(self, name: str, members: Mapping[str, Any]) -> None:
        self.__dict__.update(members)
        self.__dict__["__serial__"] = name

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("packages are shared and cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("packages are shared and cannot be changed")

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f'the package "{self.__dict__["__serial__"]}" does not offer "{name}"')

    def __repr__(self) -> str:
        return f"<package {self.__dict__['__serial__']}>"


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
_FUNCTOOLS = "cache cached_property cmp_to_key lru_cache partial reduce total_ordering wraps"
_COLLECTIONS = "ChainMap Counter OrderedDict defaultdict deque namedtuple"


def _plain_wraps(wrapped: Callable[..., Any]) -> Callable[[Any], Any]:
    """functools.wraps without the arguments that name attributes."""

    def decorate(wrapper: Any) -> Any:
        # The functions of modules are shared; a script's are not those of a module.
        own = isinstance(wrapper, types.FunctionType) and "__spec__" not in wrapper.__globals__
        if own and isinstance(wrapped, types.FunctionType):
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
    offered: dict[str, dict[str, Any]] = {
        "math": _listed(math, _public(math)),
        "random": {**_listed(random, _RANDOM), "seed": reseed, "Random": ScriptRandom},
        "statistics": _listed(statistics, _STATISTICS),
        "json": _listed(json, "JSONDecodeError dumps loads"),
        "datetime": {**_listed(datetime, _DATETIME), "date": ScriptDate, "datetime": ScriptDatetime},
        "string": _listed(string, _STRING),
        "re": _listed(re, _RE),
        "itertools": _listed(itertools, _public(itertools)),
        "functools": {**_listed(functools, _FUNCTOOLS), "wraps": _plain_wraps},
        "collections": _listed(collections, _COLLECTIONS),
    }
    return {name: Package(name, members) for name, members in offered.items()}


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
    for name in _LAZY:
        importlib.import_module(name)


PACKAGES = _build()


def offered_names(package: str) -> frozenset[str]:
    """The names that an allowed package offers; none for a package that there is no facade for."""
    facade = PACKAGES.get(package)
    return frozenset(name for name in vars(facade) if name != "__serial__") if facade else frozenset()
