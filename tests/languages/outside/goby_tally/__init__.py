"""A tiny language as an installed package brings it: this module is data alone."""

from __future__ import annotations

from scripting.sandbox.languages.language import Language

LANGUAGE = Language("tally", ".tally", "text", "goby_tally.engine.TallyEngine", "goby_tally.templates.TEMPLATES")
