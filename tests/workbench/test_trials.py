"""A trial tells every difference by its name, every number to its last digit, and where its answers came from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from scripting.bus.events import Event
from scripting.engine import get_engine
from scripting.execution import ledger
from scripting.execution.replay import replay
from scripting.models import Execution, Script
from tests.support import arena
from tests.support.arena import arena_registered, make_script
from tests.workbench.test_answers import ask, client_of

pytestmark = pytest.mark.django_db(transaction=True)

LONG = 342161316540874753
ROOT = "/scripts/arena/scorer/"


@pytest.fixture
def module() -> Iterator[arena.Arena]:
    with arena_registered() as registered:
        yield registered


@pytest.fixture
def designer(module: arena.Arena) -> Client:
    return client_of("view", "edit", "run")


def tried(designer: Client, source: str, live: str = "", **more: Any) -> dict[str, Any]:
    """A trial of a text beside the live one."""
    if live:
        make_script(live)
    wanted = {"input": "", "payload": {}, "compare": True, "seed": "5"} | more
    status, answer = ask(designer, "POST", "api/trial", source=source, **wanted)
    assert status == 200, answer
    return dict(answer)


def ask_text(designer: Client, body: str) -> tuple[int, Any]:
    answer = designer.post(f"{ROOT}api/trial", body, content_type="application/json")
    return answer.status_code, answer.json()


def rows(answer: dict[str, Any], part: str = "result") -> list[tuple[str, str, str | None, bool]]:
    return [(row["name"], row["mine"], row["theirs"], row["differs"]) for row in answer["beside"][part]]


# -- the game's own faults ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["api/trial", "api/sample"])
@pytest.mark.parametrize("where", ["a function", "validate"])
def test_a_fault_of_the_game_s_code_is_told_as_no_fault_of_the_text(
    designer: Client,
    module: arena.Arena,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    address: str,
    where: str,
) -> None:
    def broken(*arguments: Any, **by_name: Any) -> None:
        raise AttributeError("no such table of prizes")

    make_script("result = {'points': double(1)}")
    if where == "validate":
        monkeypatch.setattr(module, "validate", broken)
    else:
        monkeypatch.setitem(module.functions, "double", replace(module.functions["double"], method=broken))
    status, answer = ask(designer, "POST", address, source="result = {'points': double(2)}", input="", payload={})
    assert (status, answer["error"]["type"]) == (500, "broken"), answer
    assert answer["error"]["message"].startswith(
        "The code of arena, or this server, failed, which is no fault of the text: AttributeError: no such table of prizes."
    )
    (logged,) = [record for record in caplog.records if "by no fault of its text" in record.getMessage()]
    assert logged.exc_info is not None


# -- differences -------------------------------------------------------------------------------------------------------


def test_a_draft_that_newly_publishes_an_event_differs_in_its_effects(designer: Client) -> None:
    live = "award(1)\nresult = {'points': 1}\n"
    answer = tried(designer, f"publish_event('arena.aftermath', {{'points': {LONG}}})\n{live}", live)
    assert answer["verdict"]["words"] == "It has other effects"
    assert answer["beside"]["parts"] == ["effects"]
    assert rows(answer, "effects") == [
        ("1", f'publish_event(topic="arena.aftermath", payload={{"points": {LONG}}})', "–", True),
        ("2", "award(points=1)", "award(points=1)", False),
    ]


def test_values_of_lines_come_with_a_trial_that_asks_for_them(designer: Client) -> None:
    assert tried(designer, "a = 1\nresult = a\n", live="result = 2")["values"] is None
    values = tried(designer, "a = 1\nresult = a\n", values=True)["values"]
    assert values["texts"][0]["counts"] == [[1, 1], [2, 1]]
    assert values["texts"][0]["source"] is None, "the page has it"
    assert [step[4] for step in values["last"]] == [[["a", "1"]], [["result", "1"]]]
    assert tried(designer, "def f(:\n", values=True)["values"] is None


def test_another_order_of_keys_is_no_difference(designer: Client) -> None:
    answer = tried(designer, "result = {'b': {'d': 2, 'c': 1}, 'a': 1}\n", "result = {'a': 1, 'b': {'c': 1, 'd': 2}}\n")
    assert answer["verdict"]["words"] == "No difference on this"
    assert not any(differs for *_, differs in rows(answer))


def test_a_log_that_differs_is_named_apart_from_what_is_decided(designer: Client) -> None:
    answer = tried(designer, "log('here')\nresult = {'points': 1}\n", "result = {'points': 1}\n")
    assert answer["verdict"]["words"] == "No difference but in the log"
    assert (answer["beside"]["parts"], answer["beside"]["decides_alike"]) == (["log"], True)


def test_what_decides_differently_has_a_row_that_shows_it(designer: Client) -> None:
    deep = "result = {{'list': [1, {{'x': {}}}], 'text': 'a' * 900 + '{}', 'same': 1}}\n"
    answer = tried(designer, deep.format(LONG, "b"), deep.format(LONG + 1, "c"))
    assert answer["verdict"]["words"] == "It decides differently"
    assert rows(answer)[1] == ("list[1].x", str(LONG), str(LONG + 1), True)
    name, mine, theirs, differs = rows(answer)[2]
    assert (name, differs, mine.endswith('ab"'), theirs and theirs.endswith('ac"')) == ("text", True, True, True)
    assert not rows(answer)[3][-1]


def test_a_result_that_the_game_would_refuse_is_said_to_be(designer: Client) -> None:
    answer = tried(designer, "result = {'points': 1001}\n", "result = {'points': 1}\n")
    assert answer["verdict"] == {"words": "The game would refuse this", "kind": "bad"}
    assert answer["trial"]["refusal"] == "points must be a whole number up to 1000, not 1001"
    assert tried(designer, "result = {'points': 1000}\n")["trial"]["refusal"] == ""


def test_errors_are_compared_by_type_message_and_place(designer: Client) -> None:
    assert (
        tried(designer, "result = 1 / 0\n", "result = 1 / 0\n")["verdict"]["words"] == "It fails as the live text does"
    )
    answer = tried(designer, "\nresult = 1 / 0\n")
    assert answer["verdict"]["words"] == "It fails"
    [(_, mine, theirs, differs)] = rows(answer, "error")
    assert differs
    assert ("line 2" in mine, "line 1" in (theirs or "")) == (True, True)


def test_two_trials_are_compared_on_the_server_as_a_trial_with_the_live_text(designer: Client) -> None:
    make_script("result = 1\n")
    texts = ("result = {'a': 1, 'n': 2**62 + 1}\n", "award(2)\nresult = {'n': 2**62, 'a': 1}\n")
    old, new = (tried(designer, text)["trial"]["record"] for text in texts)
    status, beside = ask(designer, "POST", "api/compare_trials", old=old, new=new)
    assert (status, beside["parts"]) == (200, ["result", "effects"])
    found = {row["name"]: (row["mine"], row["theirs"], row["differs"]) for row in beside["result"]}
    assert found == {"a": ("1", "1", False), "n": (str(2**62 + 1), str(2**62), True)}
    deep = json.dumps({"status": "", "error": None, "result": 0, "effects": [], "logs": []})
    deep = deep.replace("0", "[" * 900 + "]" * 900)
    for wrong in ("[]", "{", '{"status": 1}'):
        assert ask(designer, "POST", "api/compare_trials", old=wrong, new=new)[0] == 400
    assert ask(designer, "POST", "api/compare_trials", old=deep, new=deep)[0] in {200, 400}


@pytest.mark.slow
def test_a_sample_says_in_how_many_runs_and_in_what_the_two_texts_differ(designer: Client) -> None:
    make_script("result = {'points': 1}\n")
    source = "if rand() > 0.5: award(1)\nlog('x')\nresult = {'points': 1}\n"
    _, answer = ask(designer, "POST", "api/sample", source=source, input="", payload={}, seed="3")
    assert answer["differences"]["log"] == answer["runs"]
    assert answer["runs"] - answer["alike"] == answer["differences"].get("effects", 0)


@pytest.mark.slow
def test_a_sample_says_how_many_results_the_game_would_refuse_and_why(designer: Client) -> None:
    make_script("result = {'points': 1}\n")
    _, answer = ask(designer, "POST", "api/sample", source="result = {'points': 5000}\n", input="topic:arena.hit", payload={"points": 1})  # fmt: skip
    assert answer["refused"][0] == answer["runs"]
    assert answer["refusal"] == "points must be a whole number up to 1000, not 5000"
    assert answer["refused"][1] == 0


@pytest.mark.slow
def test_a_sample_s_numbers_are_exact_however_large(designer: Client) -> None:
    make_script(f"result = {{'id': {LONG}, 'wide': 1.7e308}}\n")
    source = f"result = {{'id': {LONG + 1}, 'wide': -1.7e308}}\n"
    _, answer = ask(designer, "POST", "api/sample", source=source, input="", payload={})
    fields = {field["name"]: field for field in answer["fields"]}
    assert fields["id"]["always"] is None, "neighbours of 19 digits are two numbers"
    assert [side["least"] for side in fields["id"]["sides"]] == [str(LONG + 1), str(LONG)]
    assert sum(fields["wide"]["sides"][0]["bins"]) == answer["runs"]


# -- exact numbers -----------------------------------------------------------------------------------------------------


VALUES = {
    str(LONG): str(LONG),
    "-2**63": str(-(2**63)),
    "0.1 + 0.2": "0.30000000000000004",
    "1e22": "1e+22",
    "float('nan')": "NaN",
    "-float('inf')": "-Infinity",
    "b'ab'": '"bytes(6162)"',
}


def test_values_are_shown_exactly(designer: Client) -> None:
    fields = ", ".join(f"'{at}': {value}" for at, value in enumerate(VALUES))
    answer = tried(designer, f"result = {{{fields}}}\n", "result = 1\n")
    assert [mine for _, mine, _, _ in rows(answer)][: len(VALUES)] == list(VALUES.values())


def test_numbers_of_inputs_reach_the_script_exactly(designer: Client) -> None:
    source = "result = [n + 1, type(f) is float, f]\n"
    answer = tried(designer, source, "result = 1\n", payload={"n": 9007199254740993, "f": 1.0})
    assert answer["trial"]["result"] == "[9007199254740994, true, 1.0]"
    status, refused = ask_text(designer, '{"source": "", "language": "python", "input": "", "payload": {"n": 1e999}}')
    assert (status, refused["error"]["message"]) == (422, "1e999 is too large for a decimal number.")
    answer = tried(designer, "result = n\n", payload={"n": 2**63})
    assert "64 bits" in answer["trial"]["error"]["message"] or "2**63" in answer["trial"]["error"]["message"]


def test_a_page_s_data_and_recorded_inputs_carry_numbers_as_text(designer: Client) -> None:
    make_script("result = 1\n")
    execution = hit(points=9007199254740993)
    shown = designer.get(f"{ROOT}api/executions/{execution.pk}").json()
    assert json.loads(shown["payload"]) == {"points": 9007199254740993, "secret": "•••"}
    page = designer.get(ROOT).content.decode()
    data = json.loads(page.split('id="page-data" type="application/json">')[1].split("</script>")[0])
    assert {source["key"] for source in json.loads(data["inputs"])} == {"topic:arena.hit", "topic:arena.aftermath", ""}


# -- recorded events ---------------------------------------------------------------------------------------------------


def hit(number: int = 1, *, key: str = "ada", **payload: Any) -> Execution:
    """An event runs the live text, and is recorded."""
    payload = {"points": 1, "secret": "swordfish"} | payload
    event = Event(id=f"e{number}", topic="arena.hit", payload=payload, subscribers=[("arena", "scorer")], key=key)
    ledger.commit([get_engine().decide(event, "arena", "scorer")])
    return Execution.objects.get(event_id=event.id)


READS = "before = get_score()\nresult = {'points': 1, 'before': before, 'rand': rand()}\n"


@pytest.mark.slow
def test_a_trial_on_a_recorded_event_reads_what_was_recorded_or_the_game_as_it_is_now(designer: Client) -> None:
    make_script(READS)
    arena.add("ada", 7)
    execution = hit()
    arena.add("ada", 100)
    asked = {"execution": str(execution.pk), "source": READS, "compare": True}
    _, answer = ask(designer, "POST", "api/trial", **asked)
    assert (answer["verdict"]["words"], answer["on_recording"]) == ("No difference on this", True)
    assert json.loads(answer["trial"]["result"]) == execution.result_value
    _, now = ask(designer, "POST", "api/trial", **asked, reads="now")
    assert now["on_recording"] is False
    assert json.loads(now["trial"]["result"])["before"] == 108, "the score of the event's own key"
    _, sample = ask(designer, "POST", "api/sample", **asked)
    assert sample["on_recording"]
    assert {field["name"]: field.get("always") for field in sample["fields"]}["before"] == "7"
    assert sample["alike"] == sample["runs"]


@pytest.mark.slow
def test_a_read_that_was_not_recorded_leaves_the_recording_and_says_where(designer: Client) -> None:
    make_script(READS)
    execution = hit()
    source = "double(2)\naward(1)\nget_score()\ntry:\n    get_rival('bob')\nexcept Exception:\n    pass\nresult = 1\n"
    asked = {"execution": str(execution.pk), "source": source, "compare": True}
    _, answer = ask(designer, "POST", "api/trial", **asked)
    assert answer["verdict"]["words"] == "It left the recording"
    assert answer["trial"]["left"] == 'call 4: get_rival("bob")'
    assert answer["beside"]["parts"] == []
    assert all(theirs is None for *_, theirs, _ in rows(answer))
    _, sample = ask(designer, "POST", "api/sample", **asked)
    assert (sample["left"], sample["left_at"]) == (sample["runs"], 'call 4: get_rival("bob")')
    _, now = ask(designer, "POST", "api/trial", **asked, reads="now")
    assert (now["verdict"]["words"], now["trial"]["left"]) == ("It decides differently", "")


def test_calls_that_need_no_game_are_made_anew_beside_a_recording(designer: Client) -> None:
    make_script(READS)
    execution = hit()
    source = "publish_event('arena.aftermath', {'points': double(4)})\n" + READS
    _, answer = ask(designer, "POST", "api/trial", source=source, execution=str(execution.pk), compare=True)
    assert answer["verdict"]["words"] == "It has other effects"
    assert "8" in rows(answer, "effects")[0][1]


def test_a_run_that_was_refused_a_read_is_refused_it_again(designer: Client) -> None:
    text = "try:\n    get_rival('')\nexcept Exception as error:\n    log(str(error))\nresult = {'points': 1}\n"
    make_script(text)
    execution = hit()
    assert replay(str(execution.pk)).identical
    _, answer = ask(designer, "POST", "api/trial", source=text, execution=str(execution.pk))
    assert answer["trial"]["left"] == ""
    assert "name a rival" in answer["trial"]["logs"][0]


def test_a_recorded_event_with_a_changed_payload_runs_what_is_shown_and_all_else_as_it_was(designer: Client) -> None:
    make_script(READS)
    execution = hit()
    source = "p = message['payload']\nresult = [p['points'], p['secret'], message_payload, message['metadata']['key'], get_score()]\n"
    shown = json.loads(designer.get(f"{ROOT}api/executions/{execution.pk}").json()["payload"])
    assert shown["secret"] == "•••"
    asked = {"execution": str(execution.pk), "source": "result = len(message['payload']['secret'])\n"}
    _, answer = ask(designer, "POST", "api/trial", **asked, payload=shown | {"points": 9})
    assert answer["trial"]["result"] == str(len("swordfish")), "what was hidden and left so is what it was"
    asked["source"] = source
    _, answer = ask(designer, "POST", "api/trial", **asked, payload={"points": 9007199254740993, "secret": "mine"})
    points, _, raw, key, _ = json.loads(answer["trial"]["result"])
    assert (points, key) == (9007199254740993, "ada")
    assert raw == "•••"
    status, refused = ask(designer, "POST", "api/trial", **asked, payload={"points": "many"})
    assert (status, refused["error"]["type"]) == (422, "inputs")
    assert answer["trial"]["seed"] == str(execution.seed)


def test_recorded_events_are_told_in_the_module_s_words_and_found_by_them(
    designer: Client, module: arena.Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_script("result = {'points': 1}\n")
    first, second = hit(1, points=303), hit(2, points=404)

    def events(query: str = "") -> list[dict[str, Any]]:
        return list(designer.get(f"{ROOT}api/events", {"q": query}).json()["events"])

    assert [event["words"] for event in events()] == [f'{{"points": {n}, "secret": "•••"}}' for n in (404, 303)]

    def words(topic: str, payload: Any) -> str:
        return f"A hit of {payload['points']} on {topic}, {payload['secret']}"

    monkeypatch.setattr(module, "event_in_words", words)
    assert [event["words"] for event in events()] == [f"A hit of {n} on arena.hit, •••" for n in (404, 303)]
    assert [event["id"] for event in events("HIT 303")] == [str(first.pk)]
    assert [event["id"] for event in events(str(second.pk))] == [str(second.pk)]
    assert len(events(f"{first.started_at:%Y-%m-%d}")) == 2
    assert events(f"{first.started_at:%Y} hit") == []
    assert events("swordfish") == []

    def fails(topic: str, payload: Any) -> str:
        raise KeyError("turn")

    monkeypatch.setattr(module, "event_in_words", fails)
    assert len(events()) == 2, "a module without words for one event hides no other"


def test_the_script_of_another_page_has_no_part_in_it(designer: Client) -> None:
    make_script("result = {'points': 1}\n")
    other = Script.objects.create(module="arena", name="other")
    execution = hit()
    answer = designer.get(f"/scripts/arena/{other.name}/api/executions/{execution.pk}")
    assert answer.status_code == 404
