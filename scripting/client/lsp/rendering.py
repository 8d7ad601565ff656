"""Findings and help in the protocol's words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lsprotocol import types as lsp
from pygls.workspace.position_codec import PositionCodec

from scripting.client.formats import said
from scripting.client.lsp.answers import Help
from scripting.client.lsp.places import range_of
from scripting.texts.escaping import one_line, visible
from scripting.types import Diagnostic

_KINDS = {
    "function": lsp.CompletionItemKind.Function,
    "class": lsp.CompletionItemKind.Class,
    "exception": lsp.CompletionItemKind.Class,
    "constant": lsp.CompletionItemKind.Constant,
    "variable": lsp.CompletionItemKind.Variable,
    "field": lsp.CompletionItemKind.Field,
    "package": lsp.CompletionItemKind.Module,
    "helper": lsp.CompletionItemKind.Reference,
    "knob": lsp.CompletionItemKind.Constant,
    "here": lsp.CompletionItemKind.Text,
}
_ORDER = {"field": "1", "function": "2", "variable": "2", "helper": "3", "knob": "3", "here": "4"}
"""Of completions, by their kind; builtins come last."""


def diagnostic(found: Diagnostic, lines: Sequence[str], codec: PositionCodec) -> lsp.Diagnostic:
    """A finding, in the words of `goby check`."""
    is_error = found.severity == "error"
    return lsp.Diagnostic(
        range=range_of(found, lines, codec),
        message=one_line(said(found), 1000),
        severity=lsp.DiagnosticSeverity.Error if is_error else lsp.DiagnosticSeverity.Warning,
        code=found.type.value,
        source="goby",
    )


def item(help_: Help) -> lsp.CompletionItem:
    """A name that may stand there."""
    kind = _KINDS.get(help_.kind, lsp.CompletionItemKind.Text)
    order = f"{_ORDER.get(help_.kind, '5')}{help_.name}"
    return lsp.CompletionItem(help_.name, kind=kind, sort_text=order, documentation=markdown(help_))


def markdown(help_: Help) -> lsp.MarkupContent:
    """Help as editors show it. Its texts are other people's: none of them is taken for markup."""
    signature = visible(help_.signature or help_.name).replace("```", "'''")
    texts = [text for text in (help_.doc, *help_.more.split("\n")) if text]
    escaped = [re.sub(r"([\\`*_{}\[\]<>()#+!|~-])", r"\\\1", visible(text)) for text in texts]
    return lsp.MarkupContent(lsp.MarkupKind.Markdown, "\n\n".join([f"```\n{signature}\n```", *escaped]))
