"""string.Template for scripts: as the library's, but text put in shows no address."""

from __future__ import annotations

import string
from typing import Any

from scripting.sandbox.library.text import scrub


class Template(string.Template):
    """Text with names to fill in: Template("$unit fires").substitute(unit="tank")"""

    def substitute(self, mapping: Any = None, /, **kws: Any) -> str:
        return str(scrub(super().substitute({} if mapping is None else mapping, **kws)))

    def safe_substitute(self, mapping: Any = None, /, **kws: Any) -> str:
        return str(scrub(super().safe_substitute({} if mapping is None else mapping, **kws)))
