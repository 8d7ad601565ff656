"""`goby lsp`: findings of the check, completion, hover help and definitions for any editor, over the Language Server Protocol.

It opens no port and runs nothing: texts are compiled in sandboxes, as `goby check` has them.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls import uris
from pygls.lsp.server import LanguageServer

from scripting.client import checking, stubs
from scripting.client import folder as folders
from scripting.client.checking import CheckedRule, Checker
from scripting.client.folder import FolderWrong, RuleFile
from scripting.client.lsp.answers import Answers
from scripting.client.lsp.places import lines_of, place_of
from scripting.client.lsp.rendering import diagnostic, item, markdown
from scripting.client.server import Server, ServerRefused
from scripting.sandbox import source_text
from scripting.sandbox.languages.table import LANGUAGES
from scripting.sandbox.policy.imports import HELPER_MODULE
from scripting.supervisor.errors import SupervisorError
from scripting.supervisor.namespace import Namespace
from scripting.supervisor.offered import offered
from scripting.texts.escaping import visible
from scripting.types import Knob

DELAY = 0.25
"""Seconds without a change before a text is checked."""


class RulesServer(LanguageServer):
    """Serves one editor: the folder that was named, or each folder of rules (one with `.goby/`) whose files are opened."""

    def __init__(self, folder: Path | None, server: Server | None) -> None:
        version = importlib.metadata.version("goby")
        super().__init__("goby", version, text_document_sync_kind=lsp.TextDocumentSyncKind.Full)
        self.checker = Checker()
        self._folder = folder.absolute() if folder else None
        self._origin = server
        self._told: tuple[dict[str, Any], list[dict[str, Any]]] | None = None
        """Namespaces and topics as the server tells them."""
        self._wanted: dict[Path, set[str]] = {}
        """Labels of scripts to check, by folder; "" stands for all."""
        self._timers: dict[Path, asyncio.TimerHandle] = {}
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._knobs: dict[Path, tuple[Knob, ...]] = {}
        self._published: dict[Path, set[Path]] = {}
        """Files with findings in the editor, by folder."""
        self._complaints: set[str] = set()

    # -- what is known ---------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Check the folder that was named, and ask the server that was."""
        threading.Thread(target=offered, daemon=True).start()  # a first completion need not wait for it
        if self._folder:
            self.want(self._folder, "")
        self._watch()
        if self._origin is not None:
            threading.Thread(target=self._ask, args=(self._origin, asyncio.get_running_loop()), daemon=True).start()

    def _watch(self) -> None:
        """Have the editor tell of files that others write: a pull, another branch."""
        workspace = self.client_capabilities.workspace
        watching = workspace.did_change_watched_files if workspace else None
        if watching and watching.dynamic_registration:
            globs = ["**/.goby/*.json", *(f"**/*{language.suffix}" for language in LANGUAGES.values())]
            options = lsp.DidChangeWatchedFilesRegistrationOptions([lsp.FileSystemWatcher(glob) for glob in globs])
            wanted = lsp.Registration("files", lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            self.client_register_capability(lsp.RegistrationParams([wanted]))

    def _ask(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        try:
            told = server.get("namespace"), server.get("topics")
        except ServerRefused as error:
            loop.call_soon_threadsafe(self.complain, f"{error}; names are those of the last pull")
        else:
            loop.call_soon_threadsafe(self._learn, told)

    def _learn(self, told: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
        self._told = told
        for folder in {*self._published, *([self._folder] if self._folder else [])}:
            self.again(folder)

    def known(self, folder: Path) -> tuple[dict[str, Namespace], list[dict[str, Any]]]:
        """Namespaces by module, and topics. Raises FolderWrong."""
        namespaces, topics = self._told or (folders.namespace_of(folder), stubs.topics_of(folder))
        return checking.known(namespaces), topics

    def folder_of(self, path: Path) -> Path | None:
        """The folder of rules that a file belongs to; None where it is no script."""
        folder = path.parent.parent
        is_ours = (
            folder.resolve() == self._folder.resolve() if self._folder else (folder / folders.STATE.parent).is_dir()
        )
        return folder if is_ours and folders.is_rule(path) else None

    def opened(self) -> dict[Path, tuple[str, int | None]]:
        """Texts that are open in the editor, with their versions."""
        documents = self.workspace.text_documents.values()
        return {path_of(each.uri): (each.source, each.version) for each in documents}

    def complain(self, text: str) -> None:
        """Tell the editor, each trouble once."""
        if text not in self._complaints:
            self._complaints.add(text)
            self.window_log_message(lsp.LogMessageParams(lsp.MessageType.Warning, visible(text)))

    # -- findings --------------------------------------------------------------------------------------------------------

    def want(self, folder: Path, label: str) -> None:
        """Check a script, or all ("") of a folder, once nothing has changed for a moment."""
        self._wanted.setdefault(folder, set()).add("" if label.startswith(f"{HELPER_MODULE}/") else label)
        if timer := self._timers.pop(folder, None):
            timer.cancel()
        self._timers[folder] = asyncio.get_running_loop().call_later(DELAY, self._start, folder)

    def again(self, folder: Path) -> None:
        """Check all of a folder, if it is one that this editor has to do with."""
        if folder == self._folder or folder in self._published:
            self.want(folder, "")

    def _start(self, folder: Path) -> None:
        task = asyncio.get_running_loop().create_task(self._check(folder))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _check(self, folder: Path) -> None:
        async with self._one_at_a_time:
            wanted, opened = self._wanted.pop(folder, set()), self.opened()
            if not wanted:
                return
            try:
                namespaces, _ = self.known(folder)
                rules = await asyncio.to_thread(rules_in, folder, opened)
                some = [rule for rule in rules if "" in wanted or rule.label in wanted]
                checked = await asyncio.to_thread(self.checker.check, some, namespaces, rules)
            except (FolderWrong, SupervisorError) as error:
                self.complain(str(error))
                return
            if not namespaces:
                self.complain(f"functions and inputs of the modules are not known in {folder}, so errors alone are told: `goby pull` asks for them")  # fmt: skip
            for one, other in twice(rules):
                self.complain(f"{one.label} has two files, {one.path} and {other.path}: keep one of them")
            self._publish(folder, checked, opened)
            self._clear(folder, {rule.path for rule in rules})

    def _publish(
        self, folder: Path, checked: Iterable[CheckedRule], opened: Mapping[Path, tuple[str, int | None]]
    ) -> None:
        now = self.opened()
        spelled = {path_of(uri): uri for uri in self.workspace.text_documents}
        for each in checked:
            path = each.rule.path
            if now.get(path) != opened.get(path):
                continue  # it has changed meanwhile, and is checked again
            self._knobs[path] = each.knobs
            self._published.setdefault(folder, set()).add(path)
            lines = lines_of(each.rule.text)
            codec = self.workspace.position_codec
            found = [diagnostic(finding, lines, codec) for finding in each.diagnostics]
            version = opened[path][1] if path in opened else None
            uri = spelled.get(path, path.as_uri())
            self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, found, version))

    def _clear(self, folder: Path, there: set[Path]) -> None:
        """Take back findings in files that are gone."""
        for path in self._published.get(folder, set()) - there:
            self._published[folder].discard(path)
            self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(path.as_uri(), []))

    # -- answers ---------------------------------------------------------------------------------------------------------

    def answers(self, uri: str) -> tuple[Answers, list[str]] | None:
        """All that is known of an open script, and its lines; None for another file."""
        path, opened = path_of(uri), self.opened()
        folder = self.folder_of(path)
        if folder is None or path not in opened:
            return None
        try:
            namespaces, topics = self.known(folder)
            rules = rules_in(folder, opened)
        except FolderWrong as error:
            self.complain(str(error))
            namespaces, topics, rules = {}, [], []
        rule = folders.rule_of(path, opened[path][0])
        values = knob_values(folder, rule)
        answers = Answers(rule, rules, namespaces.get(rule.module), topics, self._knobs.get(path, ()), values)
        return answers, lines_of(rule.text)


def path_of(uri: str) -> Path:
    """The file of an address. What is no file (an older text of one, which is `git:…` in VS Code) is none of ours."""
    return Path(uris.to_fs_path(uri) or "/")


def rules_in(folder: Path, opened: Mapping[Path, tuple[str, int | None]]) -> list[RuleFile]:
    """Every script of the folder, as the editor has it or else the disk; of one in two languages both. Raises FolderWrong."""
    found: dict[Path, RuleFile] = {}
    unsaved = [path for path in opened if path.parent.parent == folder and folders.is_rule(path)]
    for path in [*folders.files_in(folder), *unsaved]:
        text = opened[path][0] if path in opened else _read(path)
        found.setdefault(path, folders.rule_of(path, text))
    return list(found.values())


def twice(rules: Iterable[RuleFile]) -> Iterator[tuple[RuleFile, RuleFile]]:
    """Files of one script in different languages, which no push takes."""
    first: dict[str, RuleFile] = {}
    for rule in rules:
        if (one := first.setdefault(rule.label, rule)) is not rule:
            yield one, rule


def _read(path: Path) -> str:
    """The text, whatever it is: the check says what is wrong with it."""
    try:
        with path.open("rb") as file:
            return source_text.read_any(file.read(folders.MAX_BYTES))
    except OSError:
        return ""


def knob_values(folder: Path, rule: RuleFile) -> dict[str, Any]:
    """Values of knobs that lie beside the script."""
    try:
        found = folders.json_of(folder / rule.module / "knobs" / f"{rule.name}.json")
    except FolderWrong:
        return {}
    return found or {}


def made(folder: Path | None, server: Server | None) -> RulesServer:
    """The server with what it answers to."""
    serving = RulesServer(folder, server)

    @serving.feature(lsp.INITIALIZED)
    def initialized(ls: RulesServer, parameters: lsp.InitializedParams) -> None:
        ls.begin()

    def changed(uri: str, *, whole: bool) -> None:
        path = path_of(uri)
        if of := serving.folder_of(path):
            serving.want(of, "" if whole else f"{path.parent.name}/{path.stem}")

    @serving.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(ls: RulesServer, parameters: lsp.DidOpenTextDocumentParams) -> None:
        changed(parameters.text_document.uri, whole=False)

    @serving.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def edited(ls: RulesServer, parameters: lsp.DidChangeTextDocumentParams) -> None:
        changed(parameters.text_document.uri, whole=False)

    @serving.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(ls: RulesServer, parameters: lsp.DidCloseTextDocumentParams) -> None:
        changed(parameters.text_document.uri, whole=False)

    @serving.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(ls: RulesServer, parameters: lsp.DidSaveTextDocumentParams) -> None:
        changed(parameters.text_document.uri, whole=True)  # not every editor tells of the files beside it

    @serving.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def written(ls: RulesServer, parameters: lsp.DidChangeWatchedFilesParams) -> None:
        for of in {path_of(each.uri).parent.parent for each in parameters.changes}:
            ls.again(of)

    @serving.feature(
        lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[".", '"', "'", ":", "%", "/"])
    )
    def complete(ls: RulesServer, parameters: lsp.CompletionParams) -> list[lsp.CompletionItem]:
        if (found := ls.answers(parameters.text_document.uri)) is None:
            return []
        answers, lines = found
        row, column = place_of(parameters.position, lines, ls.workspace.position_codec)
        return [item(each) for each in answers.completion(row, column)]

    @serving.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hover(ls: RulesServer, parameters: lsp.HoverParams) -> lsp.Hover | None:
        if (found := ls.answers(parameters.text_document.uri)) is None:
            return None
        answers, lines = found
        help_ = answers.hover(*place_of(parameters.position, lines, ls.workspace.position_codec))
        return lsp.Hover(markdown(help_)) if help_ else None

    @serving.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    def definition(ls: RulesServer, parameters: lsp.DefinitionParams) -> lsp.Location | None:
        if (found := ls.answers(parameters.text_document.uri)) is None:
            return None
        answers, lines = found
        defined = answers.definition(*place_of(parameters.position, lines, ls.workspace.position_codec))
        start = lsp.Position(defined.line, 0) if defined else None
        return lsp.Location(defined.helper.path.as_uri(), lsp.Range(start, start)) if defined and start else None

    return serving


def serve(folder: Path | None, server: Server | None) -> int:
    """Serve the editor at the other end of standard input and output until it leaves."""
    serving = made(folder, server)
    try:
        serving.start_io()
    finally:
        serving.checker.close()
    return 0
