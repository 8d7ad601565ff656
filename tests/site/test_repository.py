"""Rules for every committed file."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from goby_site.paths import BASE_DIR

# Spelled in parts, so that this file does not find itself.
HOSTS = "|".join(
    [
        r"files\.python" + "hosted",
        "py" + r"pi\.org",
        "registry" + r"\.npmjs",
        "un" + r"pkg\.com",
        "js" + r"delivr",
        "cdn" + "js",
    ]
)
SETTINGS = r"(?m)^\s*(--)?(extra-)?(index-url|find-links)\b"


def committed() -> list[Path]:
    """The files that git knows; without git or outside a clone there is nothing to check."""
    if shutil.which("git") is None or not (BASE_DIR / ".git").exists():
        pytest.skip("not a git clone")
    answer = subprocess.run(["git", "ls-files", "-z"], cwd=BASE_DIR, capture_output=True, text=True, check=True)
    return [path for name in answer.stdout.split("\0") if name and (path := BASE_DIR / name).is_file()]


def test_no_file_names_a_package_registry_or_a_cdn() -> None:
    found = [str(path) for path in committed() if re.search(HOSTS, path.read_text(errors="replace"))]
    assert found == []


def test_the_locks_pin_every_package_with_hashes_and_say_not_where_from() -> None:
    for path in (BASE_DIR / "requirements").glob("*.txt"):
        text = path.read_text()
        assert not re.search(SETTINGS, text)
        assert "://" not in text
        pins = re.findall(r"(?m)^[A-Za-z0-9_.-]+==[^\n]*\\\n    --hash=sha256:", text)
        assert len(pins) == len(re.findall(r"(?m)^[A-Za-z0-9]", text)) > 0


def test_each_lock_pins_what_the_smaller_ones_pin() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"(?m)^([A-Za-z0-9_.-]+==\S+)", (BASE_DIR / "requirements" / name).read_text()))

    assert pins("runtime.txt") <= pins("test.txt") <= pins("dev.txt")
