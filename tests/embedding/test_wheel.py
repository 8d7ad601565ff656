"""The built wheel holds all that a site needs and asks for nothing else."""

from __future__ import annotations

import re
from collections import Counter
from email import message_from_string
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from goby_site.paths import BASE_DIR

pytestmark = pytest.mark.slow

LISTS = BASE_DIR / "requirements"
EXTRAS = {
    "": {"core"},
    "admin": {"admin"},
    "api": {"api"},
    "lsp": {"lsp"},
    "otel": {"otel"},
    "stack": {"stack", "redis"},
    "demo": {"admin", "api", "stack", "redis"},
    "bench": {"bench"},
}
"""The package's extras, and the lists that each is made of."""
LOCKS = {
    "runtime": {"core", "admin", "api", "stack"},
    "redis": {"redis"},
    "otel": {"otel"},
    "dev": {"core", "admin", "api", "stack", "lsp", "otel", "dev"},
}


def listed(name: str) -> list[Requirement]:
    """The requirements of requirements/NAME.in."""
    lines = (LISTS / f"{name}.in").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_the_wheel_brings_every_file_that_the_packages_use(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        held = set(archive.namelist())
    source = [
        path.relative_to(BASE_DIR)
        for package in ("goby_site", "scripting", "wargame")
        for path in (BASE_DIR / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert {str(path) for path in source} - held == set()
    of_the_site = [path.relative_to(BASE_DIR) for path in (BASE_DIR / "templates").rglob("*") if path.is_file()]
    assert {f"goby_site/{path}" for path in of_the_site} - held == set()
    for name in ("scripting/py.typed", "wargame/scripts/damage_calculator.py", "scripting/migrations/0001_initial.py"):
        assert name in held
    assert any(name.endswith("dist-info/licenses/LICENSE") for name in held)


def test_the_wheel_brings_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {name for name in tops if not name.endswith(".dist-info")} == {"goby_site", "scripting", "wargame"}


def test_each_extra_asks_for_what_its_list_names(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        [path] = [name for name in archive.namelist() if name.endswith("METADATA")]
        metadata = message_from_string(archive.read(path).decode())
    assert metadata["License-Expression"] == "MIT"
    assert set(metadata.get_all("Provides-Extra", [])) == EXTRAS.keys() - {""}
    asked: dict[str, set[str]] = {extra: set() for extra in EXTRAS}
    for line in metadata.get_all("Requires-Dist", []):
        extra = re.search(r"extra == \"(\w+)\"", line)
        asked[extra[1] if extra else ""].add(Requirement(line).name)
    assert asked == {extra: {one.name for name in names for one in listed(name)} for extra, names in EXTRAS.items()}


def test_each_package_is_named_in_one_list_alone() -> None:
    named = Counter(canonicalize_name(one.name) for path in LISTS.glob("*.in") for one in listed(path.stem))
    assert {name for name, times in named.items() if times > 1} == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_pins_what_its_lists_ask_for(lock: str) -> None:
    """If not: `make lock`."""
    pins = re.findall(r"(?m)^([A-Za-z0-9_.-]+)==([^\s;]+)", (LISTS / f"{lock}.txt").read_text())
    pinned = {canonicalize_name(name): version for name, version in pins}
    for name in LOCKS[lock]:
        for one in listed(name):
            assert one.specifier.contains(pinned[canonicalize_name(one.name)], prereleases=True), one
