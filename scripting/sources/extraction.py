"""Scripts written to disk, where designers find and edit them: `scripts/<module>/<name><suffix>` (requirement 4).

Extraction activates nothing: the digest of what it wrote is recorded as seen, so that no watcher takes the file for news.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scripting.models import Script
from scripting.modules.installed import modules
from scripting.sandbox.languages.table import LANGUAGES
from scripting.sources.embedded import embedded_by_script
from scripting.sources.folder import file_digest, open_folder, present, read_bytes, scripts_dir, write_bytes
from scripting.texts.escaping import one_line

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Extracted:
    """The outcome for one file (requirement 4.5)."""

    path: str
    outcome: str
    """`written`, `overwritten`, `kept`, `same` or `failed`; with a dry run what would have become of it."""
    detail: str = ""

    @property
    def is_failure(self) -> bool:
        return self.outcome == "failed"


@dataclass(frozen=True)
class Text:
    """A file to write."""

    module: str
    name: str
    language: str
    content: bytes

    @property
    def file_name(self) -> str:
        return f"{self.name}{LANGUAGES[self.language].suffix}"


class NothingToExtract(LookupError):
    """No such module or script: the message names those there are."""


def extract(
    *,
    to: Path | None = None,
    module: str | None = None,
    scripts: Iterable[Script] | None = None,
    force: bool = False,
    active: bool = False,
    dry_run: bool = False,
) -> list[Extracted]:
    """Write the embedded defaults (`active`: what runs now) to `to`, by default the folder of the overrides.

    An existing file is never overwritten unless `force`. Raises NothingToExtract.
    """
    texts = _texts(module, scripts, active=active)
    root = to or scripts_dir()
    report = [_extract(text, root, force=force, dry_run=dry_run) for text in texts]
    for item in report:
        logger.debug("extract: %s: %s %s", item.path, item.outcome, item.detail)
    return report


def _texts(module: str | None, scripts: Iterable[Script] | None, *, active: bool) -> list[Text]:
    wanted = None if scripts is None else {(script.module, script.name) for script in scripts}
    found = _active_texts() if active else _default_texts()
    chosen = [
        text
        for text in found
        if (module is None or text.module == module) and (wanted is None or (text.module, text.name) in wanted)
    ]
    if not chosen:
        known = ", ".join(sorted({text.module for text in found} | {m.name for m in modules})) or "none"
        what = "of the scripts chosen" if wanted is not None else f"of module {module}" if module else "at all"
        kind = "active version" if active else "embedded default"
        raise NothingToExtract(f"there is no {kind} {what} (modules: {known})")
    return chosen


def _default_texts() -> list[Text]:
    """From the packages, and from the database for a default that no package ships any longer."""
    texts = {key: Text(*key, item.language, item.content) for key, item in embedded_by_script().items()}
    for script in Script.objects.in_use().exclude(default_version=None).select_related("default_version"):
        version = script.default_version
        if version is not None and version.language in LANGUAGES:
            key = (script.module, script.name)
            texts.setdefault(key, Text(*key, version.language, bytes(version.content)))
    return [texts[key] for key in sorted(texts)]


def _active_texts() -> list[Text]:
    scripts = Script.objects.in_use().exclude(active_version=None).select_related("active_version")
    return [
        Text(script.module, script.name, version.language, bytes(version.content))
        for script in scripts.order_by("module", "name")
        if (version := script.active_version) is not None and version.language in LANGUAGES
    ]


def _extract(text: Text, root: Path, *, force: bool, dry_run: bool) -> Extracted:
    folder = root / text.module
    path = str(folder / text.file_name)
    try:
        with open_folder(folder, make=not dry_run) as handle:
            return _write(text, handle, path, force=force, dry_run=dry_run, overrides=root == scripts_dir())
    except FileNotFoundError:  # only a dry run leaves the folder unmade
        return Extracted(path, "written", "in a new folder")
    except OSError as error:
        return Extracted(path, "failed", one_line(error.strerror or str(error)))


def _write(text: Text, handle: int, path: str, *, force: bool, dry_run: bool, overrides: bool) -> Extracted:
    there = present(handle, text.file_name)
    other = _other_language(text, handle)
    if there in {"link", "other"}:
        what = "a symbolic link" if there == "link" else "no regular file"
        return Extracted(path, "failed", f"what is there is {what}: nothing is written through it")
    if there and _same(handle, text):
        return Extracted(path, "same", "the file holds this text already")
    if there and not force:
        return Extracted(path, "kept", "the file exists; --force overwrites it")
    if other and not force:
        return Extracted(path, "kept", f"{other} is this script's override; --force writes beside it")
    outcome = "overwritten" if there else "written"
    if dry_run:
        return Extracted(path, outcome)
    # Recorded before the file appears, so that a watcher that sees it at once knows it already.
    before = _record_seen(text) if overrides else None
    try:
        write_bytes(handle, text.file_name, text.content, replace=bool(there))
    except OSError as error:
        if before is not None:
            Script.objects.filter(pk=before[0]).update(file_digest=before[1])
        if isinstance(error, FileExistsError):
            return Extracted(path, "kept", "someone wrote the file just now; --force overwrites it")
        raise
    return Extracted(path, outcome, _what_runs(text) if overrides else "")


def _same(handle: int, text: Text) -> bool:
    with contextlib.suppress(OSError):
        return read_bytes(handle, text.file_name) == text.content
    return False


def _other_language(text: Text, handle: int) -> str:
    """The file of the same script in another language, if there is one."""
    for language in LANGUAGES.values():
        name = f"{text.name}{language.suffix}"
        if language.name != text.language and present(handle, name):
            return name
    return ""


def _record_seen(text: Text) -> tuple[int, str] | None:
    """Make the registry know the file; gives the script and the digest known before."""
    script = Script.objects.named(text.module, text.name).first()
    if script is None:
        return None
    digest = file_digest(text.name, text.language, text.content)
    Script.objects.filter(pk=script.pk).update(file_digest=digest, rejected_basis="", rejected_batch="")
    return script.pk, script.file_digest


def _what_runs(text: Text) -> str:
    """Said where the file and what runs differ, since extraction activates nothing."""
    script = Script.objects.named(text.module, text.name).select_related("active_version").first()
    version = script.active_version if script else None
    if version is None or bytes(version.content) == text.content:
        return ""
    return f"v{version.number} ({version.origin}) stays active: saving a change to the file activates it"
