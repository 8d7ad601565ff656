"""A folder of rules on this machine, `DIR/<module>/<name><suffix>`, and what is known of the server that it goes with."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripting.sandbox import source_text
from scripting.sandbox.languages.table import LANGUAGES, language_for_suffix
from scripting.texts.plain_json import strict

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
STATE = Path(".goby") / "state.json"
BESIDE = Path(".goby") / "beside.json"
NAMESPACE = Path(".goby") / "namespace.json"
MAX_BYTES = 1 << 20


class FolderWrong(Exception):
    """A folder or a file in it cannot be used. The message says what to do."""


@dataclass(frozen=True)
class RuleFile:
    """A file with the text of a script."""

    path: Path
    module: str
    name: str
    language: str
    text: str

    @property
    def label(self) -> str:
        return f"{self.module}/{self.name}"

    @property
    def digest(self) -> str:
        """As versions have it."""
        return digest_of(self.text)


@dataclass(frozen=True)
class Known:
    """A version of a script that this folder was last the same as."""

    number: int
    digest: str
    conflict: tuple[str, str] | None = None
    """Digests of the file and of the live text when a pull last said that both sides had changed."""


def digest_of(text: str) -> str:
    return hashlib.sha256(source_text.encode(text)).hexdigest()


def rules_in(folder: Path) -> list[RuleFile]:
    """Every script below the folder, by module and name; may be none. Raises FolderWrong."""
    found: dict[str, RuleFile] = {}
    for path in files_in(folder):
        rule = rule_of(path, text_of(path))
        if rule.label in found:
            raise FolderWrong(f"{rule.label} has two files, {found[rule.label].path} and {path}: keep one of them")
        found[rule.label] = rule
    return list(found.values())


def files_in(folder: Path) -> Iterator[Path]:
    """The file of every script below the folder, by module and name. Raises FolderWrong."""
    if not folder.is_dir():
        raise FolderWrong(f"{folder} is no folder: name one with files such as tavern/barkeeper.py in it")
    for module in sorted(folder.iterdir()):
        if not module.is_symlink() and module.is_dir():
            yield from (path for path in sorted(module.iterdir()) if is_rule(path) and path.is_file())


def is_rule(path: Path) -> bool:
    """Whether the file has the name of a script, `<module>/<name><suffix>`, and is no link to another; it need not be there yet."""
    named = NAME.fullmatch(path.parent.name) and NAME.fullmatch(path.stem)
    return bool(named) and language_for_suffix(path.suffix) is not None and not path.is_symlink()


def left_out(folder: Path) -> list[Path]:
    """Files that somebody may take for rules, cases or values, which are none: for their names, or as links."""
    patterns = [*(f"*/*{language.suffix}" for language in LANGUAGES.values()), "*/cases/*/*.json", "*/knobs/*.json"]
    found = (path for pattern in patterns for path in folder.glob(pattern) if path.is_file())
    return sorted(path for path in found if _is_left_out(path.relative_to(folder), folder))


def _is_left_out(path: Path, folder: Path) -> bool:
    names = [*path.parts[:-1], path.stem]
    if any(name.startswith(("_", ".")) for name in names) or not NAME.fullmatch(names[0].lower()):
        return False  # `__init__.py`, and folders that are no modules by any spelling
    is_link = (folder / path).is_symlink() or (len(path.parts) == 2 and (folder / path.parts[0]).is_symlink())
    return is_link or not all(map(NAME.fullmatch, names))


def rule_of(path: Path, text: str) -> RuleFile:
    """The script of a file for which `is_rule`, with this text."""
    language = language_for_suffix(path.suffix)
    assert language is not None
    return RuleFile(path, path.parent.name, path.stem, language.name, text)


def some_rules_in(folder: Path) -> list[RuleFile]:
    """`rules_in`, where a folder without scripts is a slip. Raises FolderWrong."""
    found = rules_in(folder)
    if not found:
        suffixes = ", ".join(language.suffix for language in LANGUAGES.values())
        raise FolderWrong(f"{folder} has no scripts: they are files such as tavern/barkeeper.py ({suffixes})")
    return found


def text_of(path: Path) -> str:
    """The text of a file. Raises FolderWrong."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FolderWrong(f"{path} has more than {MAX_BYTES >> 20} MiB: no script has")
        return source_text.decode(path.read_bytes())
    except (OSError, source_text.NotText) as error:
        raise FolderWrong(f"{path} cannot be read: {error}") from None


@dataclass(frozen=True)
class CaseFile:
    """A file with a case of a script: `DIR/<module>/cases/<script>/<name>.json`."""

    path: Path
    module: str
    script: str
    name: str
    case: dict[str, Any]


def cases_in(folder: Path) -> list[CaseFile]:
    """Every case below the folder. Raises FolderWrong for none, and for a file that is no JSON object or says two things."""
    found = []
    for path in sorted(folder.glob("*/cases/*/*.json")):
        module, script = path.parts[-4], path.parts[-2]
        if path.is_symlink() or not all(NAME.fullmatch(name) for name in (module, script, path.stem)):
            continue
        try:
            case = strict(text_of(path))
        except ValueError as error:
            raise FolderWrong(f"{path}: {error}") from None
        if not isinstance(case, dict):
            raise FolderWrong(f"{path} is no JSON object")
        found.append(CaseFile(path, module, script, path.stem, case))
    if not found:
        raise FolderWrong(f"{folder} has no cases: they are files such as tavern/cases/barkeeper/closing_time.json")
    return found


def path_of(folder: Path, module: str, name: str, language: str) -> Path:
    known = LANGUAGES.get(language)
    if known is None or not NAME.fullmatch(module) or not NAME.fullmatch(name):
        raise FolderWrong(f"{module}/{name} is in {language}, which this goby does not know: install a newer one")
    return folder / module / f"{name}{known.suffix}"


def write(path: Path, text: str) -> None:
    """Write a file in one go, so that nobody reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".being-written-{secrets.token_hex(6)}")
    try:
        half.write_bytes(source_text.encode(text))
        half.chmod(0o644)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


# -- what is known of the server -----------------------------------------------------------------------------------------


def known_of(folder: Path) -> dict[str, Known]:
    """The versions that this folder was last the same as, by script. Raises FolderWrong."""
    document = json_of(folder / STATE) or {}
    try:
        return {label: _known(each) for label, each in document.items()}
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise FolderWrong(f"{folder / STATE} is damaged: delete it, then pull") from None


def _known(each: Mapping[str, Any]) -> Known:
    conflict = each.get("conflict")
    return Known(int(each["number"]), str(each["digest"]), (str(conflict[0]), str(conflict[1])) if conflict else None)


def remember(folder: Path, known: dict[str, Known]) -> None:
    document: dict[str, Any] = {
        label: {"number": each.number, "digest": each.digest} | ({"conflict": each.conflict} if each.conflict else {})
        for label, each in sorted(known.items())
    }
    write(folder / STATE, json.dumps(document, indent=1) + "\n")


def namespace_of(folder: Path) -> dict[str, Any]:
    """Functions and inputs of each module as the last pull told them; empty where none did."""
    return json_of(folder / NAMESPACE) or {}


def json_of(path: Path) -> dict[str, Any] | None:
    """The object that a file holds; None without a file. Raises FolderWrong."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        raise FolderWrong(f"{path} is damaged: delete it, then pull") from None
    return document if isinstance(document, dict) else None
