"""`goby lsp` as an editor has it: over standard input and output, with real sandboxes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripting.client import main as command

ORDER = {
    "type": "object",
    "properties": {
        "guest": {"$ref": "#/$defs/Guest"},
        "beers": {"type": "integer", "description": "How many are *wanted*."},
    },
    "required": ["guest", "beers"],
}
GUEST = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
SCHEMA = {"$ref": "#/$defs/Order", "$defs": {"Order": ORDER, "Guest": GUEST}}
TOPICS = [
    {"name": "tavern.order", "description": "", "example": {"guest": {"name": "Ann"}, "beers": 2}, "schema": SCHEMA}
]
PAYLOAD = ["Order", {"guest": [["Guest", {"name": [[]]}]], "beers": [[]]}]
PRICE = {"name": "price_of", "kind": "read", "signature": "(beers: 'int') -> 'int'", "doc": "Cost in pence.",
         "parameters": [["beers"]]}  # fmt: skip
NAMESPACE = {
    "tavern": {
        "functions": [PRICE],
        "runs": {name: [["tavern.order", {"message": [["message", {"payload": [PAYLOAD]}]]}]] for name in ("barkeeper", "porter", "cook")},
    }
}  # fmt: skip
HOSTILE = 'import os\nos.system("touch harmed")\nresult = ' + "(" * 5000
BARKEEPER = """\
from shared import prices

BEST = 3  # knob 1..9: beers of a good guest

order = message["payload"]
log("🍺🍺"); x = order["beer"]
result = price_of(prices.twice(order["beers"])) + BEST
"""


class Editor:
    """The client's end of the protocol."""

    def __init__(self, folder: Path) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("GOBY", "DJANGO"))}
        command = [sys.executable, "-m", "scripting.client.main", "lsp"]
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.folder = folder
        self._last = 0
        self._version = 1
        self.asked: list[str] = []
        """Methods that the server asked for."""
        watching = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}
        self.ask("initialize", {"processId": os.getpid(), "rootUri": folder.as_uri(), "capabilities": watching})
        self.tell("initialized", {})

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def tell(self, method: str, parameters: Any, **more: Any) -> None:
        self._send({"method": method, "params": parameters, **more})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def ask(self, method: str, parameters: Any) -> Any:
        self._last += 1
        self.tell(method, parameters, id=self._last)
        while "id" not in (message := self.next()):
            pass
        assert message["id"] == self._last
        return message["result"]

    def findings(self, name: str, version: int | None = None) -> list[dict[str, Any]]:
        """The next that are told of a file; of this version of its text, where one is given."""
        while True:
            told = self.next().get("params", {})
            if told.get("uri") == self.uri(name) and version in (None, told.get("version")):
                found: list[dict[str, Any]] = told["diagnostics"]
                return found

    def open(self, name: str, text: str) -> list[dict[str, Any]]:
        document = {"uri": self.uri(name), "languageId": "any", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        return self.findings(name)

    def change(self, name: str, text: str) -> list[dict[str, Any]]:
        self.type(name, text)
        return self.findings(name, self._version)

    def type(self, name: str, text: str) -> None:
        self._version += 1
        document = {"uri": self.uri(name), "version": self._version}
        self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def at(self, what: str, name: str, text: str, mark: str) -> Any:
        """The answer to a question about the place just after `mark`; columns are UTF-16 units."""
        before = text[: text.index(mark) + len(mark)].split("\n")
        position = {"line": len(before) - 1, "character": len(before[-1].encode("utf-16-le")) // 2}
        return self.ask(f"textDocument/{what}", {"textDocument": {"uri": self.uri(name)}, "position": position})

    def labels(self, name: str, text: str, mark: str) -> set[str]:
        self.type(name, text)
        return {each["label"] for each in self.at("completion", name, text, mark)}

    def next(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while (line := self.process.stdout.readline()) != b"\r\n":
            assert line, self.process.stderr.read().decode() if self.process.stderr else ""
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        if "id" in message and "method" in message:  # the server asks: yes
            self.asked.append(message["method"])
            self._send({"id": message["id"], "result": None})
            return self.next()
        return message


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """An editor on a folder that was pulled from a server which is unavailable now."""
    folder = tmp_path_factory.mktemp("rules").resolve()
    for name, text in {
        ".goby/namespace.json": json.dumps(NAMESPACE),
        ".goby/topics.json": json.dumps(TOPICS),
        "tavern/barkeeper.py": BARKEEPER,
        "tavern/porter.tengo": "",
        "tavern/cook.zygomys": "",
        "tavern/knobs/barkeeper.json": '{"BEST": 5}',
        "tavern/guard.py": HOSTILE,
        "shared/prices.py": "def twice(n):\n    return 2 * n\n",
        "elsewhere.py": "import os\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    made = Editor(folder)
    yield made
    assert made.ask("shutdown", None) is None
    made.tell("exit", None)
    assert made.process.wait(30) == 0
    assert not list(folder.rglob("harmed"))


def test_findings_come_at_their_place_and_go_when_they_are_mended(editor: Editor) -> None:
    [found] = editor.open("tavern/barkeeper.py", BARKEEPER)
    assert found["message"].endswith("(did you mean beers?)"), found
    assert (found["severity"], found["code"], found["source"]) == (2, "compilation", "goby")
    line = BARKEEPER.split("\n")[5]
    column = line.index('"beer"') + 2  # each glass is two units
    assert found["range"]["start"] == {"line": 5, "character": column}
    assert found["range"]["end"] == {"line": 5, "character": column + 6}
    assert editor.change("tavern/barkeeper.py", BARKEEPER.replace('"beer"', '"beers"')) == []


def test_a_helper_s_change_is_checked_in_the_scripts_that_import_it(editor: Editor) -> None:
    editor.open("shared/prices.py", "def thrice(n):\n    return 3 * n\n")
    assert "twice" in editor.findings("tavern/barkeeper.py")[0]["message"]
    editor.type("shared/prices.py", "def twice(n):\n    return 2 * n\n")
    assert editor.findings("tavern/barkeeper.py") == []


def test_completion_knows_payloads_packages_helpers_and_functions(editor: Editor) -> None:
    name = "tavern/barkeeper.py"
    assert editor.labels(name, 'x = message["payload"]["', '["payload"]["') == {"guest", "beers"}
    assert editor.labels(name, 'guest = message["payload"]["guest"]\nx = guest.get("', 'guest.get("') == {"name"}
    assert "sqrt" in editor.labels(name, "import math\nx = math.", "= math.")
    assert editor.labels(name, "from shared import prices\nx = prices.", "= prices.") == {"twice"}
    assert editor.labels(name, "from shared import ", "import ") == {"prices"}
    assert {"price_of", "message", "log", "len"} <= editor.labels(name, "x = ", "= ")
    assert editor.labels(name, "# price", "# price") == set()


def test_the_other_languages_have_it_too(editor: Editor) -> None:
    assert editor.open("tavern/porter.tengo", "result := 1\n") == []
    assert editor.labels("tavern/porter.tengo", "x := message.payload.guest.", "guest.") == {"name"}
    assert "price_of" in editor.labels("tavern/porter.tengo", "x := ", ":= ")
    assert editor.open("tavern/cook.zygomys", "(def result 1)\n") == []
    assert editor.labels("tavern/cook.zygomys", "(def order message.payload)\n(hget order %", "order %") == {
        "guest",
        "beers",
    }


def test_what_a_pull_writes_is_known_at_once(editor: Editor) -> None:
    assert editor.asked == ["client/registerCapability"]
    editor.change("tavern/barkeeper.py", "result = tip_of(3)\n")
    path = editor.folder / ".goby/namespace.json"
    functions = [*NAMESPACE["tavern"]["functions"], PRICE | {"name": "tip_of"}]
    path.write_text(json.dumps({"tavern": NAMESPACE["tavern"] | {"functions": functions}}))
    editor.tell("workspace/didChangeWatchedFiles", {"changes": [{"uri": path.as_uri(), "type": 2}]})
    assert editor.findings("tavern/barkeeper.py") == []


def test_hover_tells_of_functions_fields_and_knobs(editor: Editor) -> None:
    name = "tavern/barkeeper.py"
    assert editor.change(name, BARKEEPER)
    shown = editor.at("hover", name, BARKEEPER, "price_")["contents"]["value"]
    assert "price_of(beers: int) -> int" in shown
    assert "Cost in pence." in shown
    shown = editor.at("hover", name, BARKEEPER, 'twice(order["be')["contents"]["value"]
    assert "beers: int" in shown
    assert r"How many are \*wanted\*." in shown
    shown = editor.at("hover", name, BARKEEPER, "+ BE")["contents"]["value"]
    assert "BEST = 3" in shown
    assert "set to 5 in this folder" in shown
    assert editor.at("hover", name, BARKEEPER, "# kn") is None


def test_a_name_leads_to_the_helper_that_defines_it(editor: Editor) -> None:
    found = editor.at("definition", "tavern/barkeeper.py", BARKEEPER, "prices.tw")
    assert (found["uri"], found["range"]["start"]["line"]) == (editor.uri("shared/prices.py"), 0)


def test_a_file_that_is_not_saved_yet_is_a_script_too_and_a_file_elsewhere_is_none(editor: Editor) -> None:
    assert editor.open("tavern/waiter.py", "result = (\n")
    document = {"uri": editor.uri("elsewhere.py"), "languageId": "python", "version": 1, "text": "import os; x = "}
    editor.tell("textDocument/didOpen", {"textDocument": document})
    assert editor.labels("elsewhere.py", "import os; x = ", "x = ") == set()
    older = {"uri": f"git:{editor.folder}/tavern/waiter.py", "languageId": "python", "version": 1, "text": "result = 1"}
    editor.tell("textDocument/didOpen", {"textDocument": older})
    assert editor.change("tavern/waiter.py", "result = [\n") != []


def test_without_the_packages_of_its_extra_the_command_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pygls", None)
    assert command.main(["lsp"]) == 2
    assert "pip install 'goby[lsp]'" in capsys.readouterr().err


def test_hostile_text_is_refused_in_its_place_and_harms_nothing(editor: Editor) -> None:
    assert editor.open("tavern/guard.py", HOSTILE)
    doubling = "\n".join(f"a{n} = a{n + 1} or a{n - 1}" for n in range(2000))
    editor.labels("tavern/guard.py", f'{doubling}\nx = a1000["', 'a1000["')
    assert editor.open("tavern/guard.py", "result = 1\n") == []


def test_a_script_in_two_languages_has_its_findings_in_both_files_and_is_named(editor: Editor) -> None:
    document = {"uri": editor.uri("tavern/barkeeper.tengo"), "languageId": "tengo", "version": 1, "text": "x := \n"}
    editor.tell("textDocument/didOpen", {"textDocument": document})
    while "has two files" not in (said := editor.next().get("params", {}).get("message", "")):
        pass
    assert all(str(editor.folder / "tavern" / f"barkeeper.{suffix}") in said for suffix in ("py", "tengo"))
    assert editor.findings("tavern/barkeeper.tengo")
