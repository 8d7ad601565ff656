"""Ids of requests: a proxy's, or ours where it sent none that fits."""

from __future__ import annotations

import re
import uuid

HEADER = "X-Request-ID"
_FIT = re.compile(r"[A-Za-z0-9._:/+=@-]{1,64}")
"""Request ids that executions can be found by and a log can hold as they are."""


def fitting(given: str) -> str:
    """The id that was sent, or a new one."""
    return given if _FIT.fullmatch(given) else uuid.uuid4().hex
