"""Scripts and cases written to disk, where designers find and edit them: `scripts/<module>/<name><suffix>` (requirement 4).

Extraction activates nothing: the digest of what it wrote is recorded as seen, so that no watcher takes the file for news.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripting.models import Case, Script
from scripting.modules.installed import modules
from scripting.sandbox.languages.table import LANGUAGES
from scripting.sources import seen
from scripting.sources.case_folder import SUFFIX
from scripting.sources.embedded import embedded_by_script
from scripting.sources.folder import CASES, file_digest, open_folder, present, read_bytes, scripts_dir, write_bytes
from scripting.sources.identity import identity_of
from scripting.texts.escaping import one_line

logger = logging.getLogger(__name__)

Undo = Callable[[], Any]


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
    """A script's file to write."""

    module: str
    name: str
    language: str
    content: bytes

    @property
    def folder(self) -> Path:
        """Below the folder of the overrides."""
        return Path(self.module)

    @property
    def file_name(self) -> str:
        return f"{self.name}{LANGUAGES[self.language].suffix}"

    def other_file(self, handle: int) -> str:
        """The file of the same script in another language, if there is one."""
        for language in LANGUAGES.values():
            name = f"{self.name}{language.suffix}"
            if language.name != self.language and present(handle, name):
                return name
        return ""

    def record_seen(self) -> Undo | None:
        """Make the registry know the file; gives what takes that back. None where it does not know the script."""
        script = Script.objects.named(self.module, self.name).first()
        if script is None:
            return None
        digest, before = file_digest(self.name, self.language, self.content), script.file_digest
        found = Script.objects.filter(pk=script.pk)
        found.update(file_digest=digest, rejected_basis="", rejected_batch="", held="")
        seen.record(identity_of(scripts_dir()), {(self.module, self.name): digest})
        return lambda: found.update(file_digest=before)

    def remark(self) -> str:
        """Said where the file and what runs differ, since extraction activates nothing."""
        script = Script.objects.named(self.module, self.name).select_related("active_version").first()
        version = script.active_version if script else None
        if version is None or bytes(version.content) == self.content:
            return ""
        return f"v{version.number} ({version.origin}) stays active: saving a change to the file activates it"


@dataclass(frozen=True)
class CaseCopy:
    """A case's file to write."""

    case: Case

    @property
    def module(self) -> str:
        return self.case.script.module

    @property
    def content(self) -> bytes:
        return self.case.document.encode()

    @property
    def folder(self) -> Path:
        return Path(self.module, CASES, self.case.script.name)

    @property
    def file_name(self) -> str:
        return f"{self.case.name}{SUFFIX}"

    def other_file(self, handle: int) -> str:
        return ""

    def record_seen(self) -> Undo:
        found, before = Case.objects.filter(pk=self.case.pk), self.case.file_digest
        found.update(file_digest=self.case.digest)
        script = self.case.script
        seen.record(identity_of(scripts_dir()), {(script.module, script.name, self.case.name): self.case.digest})
        return lambda: found.update(file_digest=before)

    def remark(self) -> str:
        return ""


Copy = Text | CaseCopy


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
    return _write_all(_texts(module, scripts, active=active), to, force=force, dry_run=dry_run)


def extract_cases(
    *,
    to: Path | None = None,
    module: str | None = None,
    scripts: Iterable[Script] | None = None,
    force: bool = False,
    dry_run: bool = False,
) -> list[Extracted]:
    """The same with cases: `<module>/cases/<script>/<name>.json`. Raises NothingToExtract."""
    found = Case.objects.kept().filter(script__retired_at=None).select_related("script")
    if module is not None:
        found = found.filter(script__module=module)
    if scripts is not None:
        found = found.filter(script__in=list(scripts))
    copies = [CaseCopy(case) for case in found.order_by("script__module", "script__name", "name")]
    if not copies:
        raise NothingToExtract("there is no case of these scripts: keep one in the workbench first")
    return _write_all(copies, to, force=force, dry_run=dry_run)


def _write_all(copies: Iterable[Copy], to: Path | None, *, force: bool, dry_run: bool) -> list[Extracted]:
    root = to or scripts_dir()
    report = [_extract(copy, root, force=force, dry_run=dry_run) for copy in copies]
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


def _extract(text: Copy, root: Path, *, force: bool, dry_run: bool) -> Extracted:
    folder = root / text.folder
    path = str(folder / text.file_name)
    try:
        with open_folder(folder, make=not dry_run) as handle:
            return _write(text, handle, path, force=force, dry_run=dry_run, overrides=root == scripts_dir())
    except FileNotFoundError:  # only a dry run leaves the folder unmade
        return Extracted(path, "written", "in a new folder")
    except OSError as error:
        return Extracted(path, "failed", one_line(error.strerror or str(error)))


def _write(text: Copy, handle: int, path: str, *, force: bool, dry_run: bool, overrides: bool) -> Extracted:
    there = present(handle, text.file_name)
    other = text.other_file(handle)
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
    undo = text.record_seen() if overrides else None
    try:
        write_bytes(handle, text.file_name, text.content, replace=bool(there))
    except BaseException as error:  # also where the command is asked to end
        if undo is not None:
            undo()
        if isinstance(error, FileExistsError):
            return Extracted(path, "kept", "someone wrote the file just now; --force overwrites it")
        raise
    return Extracted(path, outcome, text.remark() if overrides else "")


def _same(handle: int, text: Copy) -> bool:
    with contextlib.suppress(OSError):
        return read_bytes(handle, text.file_name) == text.content
    return False
