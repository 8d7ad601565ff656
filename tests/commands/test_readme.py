"""The README names every command."""

from __future__ import annotations

import re

from django.conf import settings
from django.core.management import get_commands

OURS = ("scripting", "wargame", "goby_site")


def test_the_readme_lists_every_command_and_no_other() -> None:
    text = (settings.BASE_DIR / "README.md").read_text()
    [listed] = re.findall(r"explains itself with `--help`:\n\n((?:    .+\n)+)", text)
    assert sorted(listed.split()) == sorted(name for name, app in get_commands().items() if app in OURS)
