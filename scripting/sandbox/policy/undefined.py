"""Warnings of a check: names that nothing defines, and a `result` that is never assigned."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

CONTEXT_NAMES = frozenset(
    [
        "topic",
        "module",
        "timestamp",
        "endpoint",
        "message",
        "message_topic",
        "message_user_id",
        "message_payload",
        "http_request",
        "http_method",
        "http_path",
        "http_body",
    ]
)
"""Context variables that every message or request brings."""


def undefined_names(tree: ast.Module, known: Collection[str]) -> Iterator[tuple[ast.Name, str]]:
    """The first use of each name that is neither bound in the module nor known, with what to say about it."""
    seen: set[str] = set()
    uses = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    for node in sorted(uses, key=lambda use: (use.lineno, use.col_offset)):
        if node.id not in known and node.id not in seen:
            seen.add(node.id)
            yield node, f'nothing here defines "{node.id[:60]}": it must come with the context'
