"""Cases of a folder, decided by the scripts that lie beside them: a program of its own, without a database.

The script of a case is the file in the folder above `cases/`; where there is none, the default that its module ships.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scripting.evidence import case_runs
from scripting.evidence.case_runs import CaseOutcome
from scripting.evidence.decide import Decider
from scripting.modules.installed import limits_for, modules
from scripting.sandbox.languages.table import LANGUAGES
from scripting.sandbox.source_text import NotText
from scripting.sources.case_folder import SUFFIX, CaseFile, case_name_of, read_case
from scripting.sources.embedded import embedded_by_script
from scripting.sources.file_checks import NothingToCheck, Program, helpers_beside, module_of, read_file
from scripting.sources.folder import CASES, ScriptFile, Unusable, is_noise, open_folder
from scripting.texts import case_text
from scripting.texts.case_text import CaseProblem
from scripting.types import Bundle


@dataclass(frozen=True)
class TestedCase:
    """A case with what became of it, and where it is from."""

    __test__ = False

    script: str
    outcome: CaseOutcome
    path: str = ""
    """Empty for one of the database."""


def decide_cases(path: Path) -> list[TestedCase]:
    """The cases below a folder, or the one of a file. Raises NothingToCheck, and SupervisorError for what is ours."""
    files = sorted(_cases_below(path)) if path.is_dir() else [path]
    if not files or not all(map(_is_case, files)):
        raise NothingToCheck(f"{path} holds no case: they are {CASES}/<script>/<name>{SUFFIX}, beside the scripts")
    deciders: dict[Path, Decider | str] = {}
    return [_tested(file, deciders) for file in files]


def _cases_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):  # does not follow links
        folders[:] = [name for name in folders if not is_noise(name)]
        yield from (file for name in names if not is_noise(name) and _is_case(file := Path(parent, name)))


def _is_case(file: Path) -> bool:
    return file.absolute().parent.parent.name == CASES and case_name_of(file.name) is not None


def _tested(file: Path, deciders: dict[Path, Decider | str]) -> TestedCase:
    scripts, script = file.absolute().parents[2], file.absolute().parent.name
    module = module_of(scripts / f"{script}.py")
    name = case_name_of(file.name)
    assert name is not None
    label = f"{module}/{script}"
    key = scripts / script
    if key not in deciders:
        deciders[key] = _decider(scripts, module, script)
    decider = deciders[key]
    if isinstance(decider, str):
        return TestedCase(label, CaseOutcome(name, False, decider), str(file))
    with open_folder(file.parent.resolve()) as handle:
        found = read_case(handle, file.name, (module, script, name), str(file))
    if not isinstance(found, CaseFile):
        return TestedCase(label, CaseOutcome(name, False, found.reason if found else "is gone"), str(file))
    try:
        case = case_text.decode(found.content)
    except CaseProblem as problem:
        return TestedCase(label, CaseOutcome(name, False, f"is no case: {problem}"), str(file))
    return TestedCase(label, case_runs.run(name, case, decider, modules.get(module), (module, script)), str(file))


def _decider(scripts: Path, module: str, script: str) -> Decider | str:
    """Decides by the script's file, or by its default; a text says why there is none."""
    bundle = bundle_in(scripts, module, script)
    return bundle if isinstance(bundle, str) else Decider(bundle, limits_for(module), modules.get(module))


def bundle_in(scripts: Path, module: str, script: str) -> Bundle | str:
    """The script's file in a folder with the helpers of its program, else its default; a text says why there is neither."""
    for suffix in (language.suffix for language in LANGUAGES.values()):
        path = scripts / f"{script}{suffix}"
        if not path.exists():
            continue
        file = read_file(path, module)
        if isinstance(file, Unusable):
            return f"{path.name} {file.reason}"
        return _bundle(file, path)
    default = embedded_by_script().get((module, script))
    if default is None:
        suffixes = ", ".join(language.suffix for language in LANGUAGES.values())
        return f"there is no script {script} ({suffixes}) in {scripts}, nor does its module ship one"
    return _bundle(ScriptFile(module, script, default.language, default.path, default.content), scripts)


def _bundle(file: ScriptFile, beside: Path) -> Bundle | str:
    try:
        return Program(helpers_beside(beside)).bundle(file)
    except NotText as problem:
        return str(problem)


def reds(tested: Iterable[TestedCase]) -> list[TestedCase]:
    return [each for each in tested if not each.outcome.passed]
