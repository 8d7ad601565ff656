"""Requirements 8.1, 8.2: nothing that a script can reach by admitted names is a module, a frame, or shared and changeable."""

from __future__ import annotations

import types
from typing import Any

import pytest

from scripting.sandbox.library.builtins import BUILTIN_NAMES, make_builtins
from scripting.sandbox.library.packages import PACKAGES, Package
from scripting.sandbox.policy.names import GENERATED, REFUSED_BUILTINS, attribute_problem, is_dunder
from scripting.sandbox.protocol import DEFAULT_PACKAGES
from scripting.supervisor.pool import SandboxPool
from tests.support.sandboxes import outcome_of, value_of

CHANGEABLE = (dict, list, set, bytearray, types.ModuleType, types.FrameType, types.CodeType)


def reachable(start: dict[str, Any], depth: int = 4) -> dict[str, Any]:
    """Everything that attributes with admitted names lead to, by its path."""
    found = dict(start)
    seen = {id(value) for value in found.values()}
    edge = list(found.items())
    for _ in range(depth):
        further = []
        for path, value in edge:
            for name in dir(value):
                if attribute_problem(name) is not None or is_dunder(name):
                    continue
                try:
                    member = getattr(value, name)
                except Exception:
                    continue
                if id(member) not in seen:
                    seen.add(id(member))
                    further.append((f"{path}.{name}", member))
        found.update(further)
        edge = further
    return found


def everything() -> dict[str, Any]:
    names = {name: value for name, value in make_builtins({}, lambda *_: None, print).items() if not is_dunder(name)}
    offered = {name: value for name, value in names.items() if not name.startswith(GENERATED)}
    packages = {f"{name}.{key}": value for name, package in PACKAGES.items() for key, value in vars(package).items()}
    return {**offered, **{path: value for path, value in packages.items() if not path.endswith("__")}}


def test_no_module_frame_or_shared_container_is_reachable() -> None:
    bad = {
        path: type(value).__name__ for path, value in reachable(everything()).items() if isinstance(value, CHANGEABLE)
    }
    assert bad == {}


def test_there_is_a_facade_for_each_default_package_and_it_is_frozen() -> None:
    assert set(DEFAULT_PACKAGES) == {name for name in PACKAGES if "." not in name}
    for package in PACKAGES.values():
        assert isinstance(package, Package)
        with pytest.raises(AttributeError):
            package.anything = 1
        with pytest.raises(AttributeError, match="does not offer"):
            package.nothing  # noqa: B018


def test_refused_builtins_are_not_offered() -> None:
    assert not set(REFUSED_BUILTINS) & (BUILTIN_NAMES - {"__import__"})


@pytest.mark.parametrize(
    "name",
    [
        "singledispatch",
        "update_wrapper",
        "Formatter",
        "ForwardRef",
        "get_type_hints",
        "make_dataclass",
        "SystemRandom",
        "JSONEncoder",
        "purge",
        "TextWrapper",
        "redirect_stdout",
        "EnumType",
        "EnumMeta",
        "ABCMeta",
        "DefaultContext",
        "file_digest",
        "sleep",
    ],
)
def test_what_evaluates_text_or_walks_attributes_is_left_out(name: str) -> None:
    assert not any(hasattr(package, name) for package in PACKAGES.values())


@pytest.mark.slow
def test_large_numbers_are_divided_on_every_interpreter(pool: SandboxPool) -> None:
    """Newer Pythons import a module of their own for it, when first needed."""
    text = "large, divisor = 3**40000, 7**9000\nwhole, rest = divmod(large, divisor)\nresult = whole * divisor + rest == large"
    assert value_of(outcome_of(pool, text)) is True
