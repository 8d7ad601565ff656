"""The offline verifier as a file to download, for staff and for whoever has a link to a decision."""

from __future__ import annotations

from pathlib import Path

from django.http import FileResponse

from scripting.receipts import offline


def verifier_file() -> FileResponse:
    """As plain text, never guessed by its name: browsers and proxies must not run it."""
    file = Path(offline.__file__).open("rb")  # noqa: SIM115 - the response closes it
    return FileResponse(file, as_attachment=True, filename="offline.py", content_type="text/plain; charset=utf-8")
