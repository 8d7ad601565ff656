"""The first text of new scripts in Tally."""

from __future__ import annotations

from scripting.sandbox.languages.language import EVENT

TEMPLATES = {EVENT: "roll + 2\ngive roll\n"}
