"""Variables of a run under their names: a text that can read none is spared them, and any other finds them all."""

from __future__ import annotations

import ast
import builtins
import types
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripting.sandbox.policy.context_reads import names_read
from scripting.supervisor.pool import SandboxPool
from tests.support.sandboxes import bundle_of, outcome_of, value_of

READERS = [
    "result = topic",
    "result = f'{topic}'",
    "topic += '!'\nresult = topic",
    "result = [topic for _ in range(1)][0]",
    "result = [i for i in [topic]][0]",
    "result = [y for y in [topic] if topic][0]",
    "result = (lambda: topic)()",
    "result = (lambda topic=topic: topic)()",
    "def go(): return topic\nresult = go()",
    "def go(x=topic): return x\nresult = go()",
    "def go():\n    def inner(): return topic\n    return inner()\nresult = go()",
    "def go():\n    return [topic for i in range(1)][0]\nresult = go()",
    "def first(): return second()\ndef second(): return topic\nresult = first()",
    "def go():\n    global topic\n    topic = topic + '!'\ngo()\nresult = topic",
    "def go(topic):\n    def inner():\n        global topic\n        return topic\n    return inner()\nresult = go(1)",
    "def go(topic):\n    class Inner:\n        topic = topic\n    return Inner.topic\nresult = go(1)",
    "def go(topic):\n    class Inner:\n        try:\n            kept = topic\n            del topic\n        except NameError:\n            pass\n    return Inner.kept\nresult = go(1)",
    "class Here:\n    topic = topic\nresult = Here.topic",
    "class Here:\n    def go(self): return topic\nresult = Here().go()",
    "class Here:\n    topic = 1\n    def go(self): return topic\nresult = Here().go()",
    "def max(): return topic\nresult = max()",
    "def other(): return max()\nkept = other\ndef max(): return topic\nresult = kept()",
    "if extra:\n    topic = 1\nresult = topic",
    "def go(): return topic\nif not get_context():\n    topic = 1\n    result = go()\nelse:\n    result = go()",
    "def go(): return topic\nfor topic in []:\n    go()\nresult = go()",
    "for topic in []:\n    pass\nresult = topic",
    "while False:\n    topic = 1\nresult = topic",
    "def go(): return topic\nresult = go()\ntopic = 1",
    "result = topic\ntopic = 1",
    "topic = topic\nresult = topic",
    "try:\n    topic.none\n    topic = 1\nexcept AttributeError:\n    result = topic",
    "match topic:\n    case str(): result = topic",
    "from __future__ import annotations\nresult = annotations",
    "with_it = {topic: 1}\nresult = list(with_it)[0]",
    "def go(): yield topic\nresult = list(go())[0]",
    "def mark(f): return f()\n@mark\ndef made(): return topic\nresult = made",
    "result = [(kept := topic) for _ in range(1)][0]",
    "result = [topic for i in range(1) if topic or (topic := 1)][0]",
    "del topic\nresult = get_context()['topic']",
    "result = timestamp + 0",
    "def go(): return topic\ndef by(): return go()\nwhile False:\n    topic = 1\n    by()\nresult = by()",
    "def go(topic):\n    class Inner:\n        kept = topic\n        if not kept:\n            del topic\n    return Inner.kept\nresult = go(1)",
]


@pytest.mark.parametrize("text", READERS)
def test_a_text_that_names_a_variable_in_any_way_finds_it(pool: SandboxPool, text: str) -> None:
    assert names_read(ast.parse(text)) & {"topic", "timestamp", "annotations"}
    variables = {"topic": "a topic", "extra": 0, "timestamp": 7, "annotations": "noted"}
    outcome = outcome_of(pool, text, variables)
    assert outcome.error is None, outcome.error
    plain: dict[str, Any] = {"get_context": lambda: variables, **variables}
    if "__future__" not in text:
        exec(text, plain)
        assert value_of(outcome) == plain["result"]
    else:
        assert value_of(outcome) == "noted"


@pytest.mark.parametrize(
    "text",
    [
        "message = get_context()\nresult = message['topic']",
        "def go(topic): return topic\nresult = go(1)",
        "def go():\n    topic = 1\n    return [topic for topic in [topic]]\nresult = go()",
        "def second(): return third()\ndef third(): return 1\nresult = second()",
        "import math\nfrom random import choice as topic\nresult = math.floor(1.5) + topic([1])",
        "topic, other = 1, 2\nif topic:\n    kept = topic\n    result = kept\nelse:\n    result = other",
        "for topic in [1]:\n    result = topic",
        "class Topic:\n    def go(self, topic): return topic\nresult = Topic().go(1)",
        "def go():\n    try:\n        return 1 / 0\n    except ZeroDivisionError as topic:\n        return str(topic)\nresult = go()",
    ],
)
def test_a_text_that_reads_none_is_spared_them(text: str) -> None:
    assert not [name for name in names_read(ast.parse(text)) if not hasattr(builtins, name) and name != "get_context"]


def test_a_text_whose_functions_call_each_other_is_gone_through_once() -> None:
    """Each time that one is called, what it calls would be gone into again: 363 s of processor time where it is 0.05."""
    count = 3000
    functions = "".join(f"def f{number}(): return f{number + 1}()\n" for number in range(count))
    tree = ast.parse(functions + "f0()\n" * count)
    begun = process_time()
    names_read(tree)
    assert process_time() - begun < 5


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("def go():\n    print(topic)\n    topic = 1\ngo()", "the function assigns topic"),
        ("kept = 1\ndel kept\nresult = kept", ""),
        ("topics = 1\ndel topics\nresult = topics", "did you mean topic?"),
    ],
)
def test_advice_on_a_name_knows_the_variables_that_the_text_does_not_read(
    pool: SandboxPool, text: str, hint: str
) -> None:
    outcome = outcome_of(pool, text, {"topic": "a topic"})
    assert outcome.error is not None
    assert hint in outcome.error.hint


def test_a_sandbox_that_got_the_code_brings_what_the_text_reads_too(pool: SandboxPool) -> None:
    bundle = bundle_of("def go(): return topic\nresult = go()")
    for topic in range(200):  # the one that compiled makes room after 64
        assert value_of(outcome_of(pool, bundle, {"topic": topic})) == topic


@pytest.mark.parametrize(
    "text",
    [f"kept = {400 * 'lambda: '}1", "if 0: pass\n" + "".join(f"elif {number} < 0: pass\n" for number in range(1200))],
)
def test_a_text_that_is_deep_is_looked_through_whole(pool: SandboxPool, text: str) -> None:
    assert value_of(outcome_of(pool, f"{text}\nresult = 1", {})) == 1


NAMES = st.sampled_from(["a", "b", "f", "g"])
EXPRESSIONS = st.recursive(
    st.one_of(NAMES, st.just("1")),
    lambda inner: st.one_of(
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("[{} for {} in [{}] if {}]".format, inner, NAMES, inner, inner),
        st.builds("(lambda {}={}: {})()".format, NAMES, inner, inner),
        st.builds("({} := {})".format, NAMES, inner),
        st.builds("call({})".format, inner),
    ),
    max_leaves=5,
)


def _indented(lines: str) -> str:
    return lines.replace("\n", "\n    ")


STATEMENTS = st.recursive(
    st.one_of(
        st.builds("{} = {}".format, NAMES, EXPRESSIONS),
        st.builds("{}, {} = {}, 2".format, NAMES, NAMES, EXPRESSIONS),
        st.builds("{} += [{}]".format, NAMES, EXPRESSIONS),
        st.builds("seen.append({})".format, EXPRESSIONS),
        st.builds("del {}".format, NAMES),
        st.builds("import math as {}".format, NAMES),
    ),
    lambda inner: st.one_of(
        st.builds("{}\n{}".format, inner, inner),
        st.builds(lambda test, a, b: f"if {test}:\n    {_indented(a)}\nelse:\n    {_indented(b)}", EXPRESSIONS, inner, inner),
        st.builds(lambda name, items, a: f"for {name} in [{items}]:\n    {_indented(a)}", NAMES, EXPRESSIONS, inner),
        st.builds(lambda name, of, a, back: f"def {name}({of}=1):\n    {_indented(a)}\n    return {back}", NAMES, NAMES, inner, EXPRESSIONS),
        st.builds(lambda of, a: f"def g():\n    global {of}\n    {_indented(a)}", NAMES, inner),
        st.builds(lambda name, a: f"class {name}:\n    {_indented(a)}", NAMES, inner),
        st.builds(lambda a, b: f"try:\n    {_indented(a)}\nexcept Exception as b:\n    {_indented(b)}", inner, inner),
    ),
    max_leaves=7,
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(STATEMENTS)
def test_a_run_without_the_variables_that_are_not_read_is_the_same(text: str) -> None:
    try:
        code = compile(text, "text", "exec")
    except SyntaxError:  # such as a name that is an argument and global
        return
    read = names_read(ast.parse(text))
    outcomes = [_run(code, brought) for brought in (set("abfg"), set("abfg") & read)]
    assert outcomes[0] == outcomes[1], read


def _run(code: types.CodeType, brought: set[str]) -> list[str]:
    seen: list[Any] = []
    left = [100]

    def call(function: Any) -> Any:
        left[0] -= 1
        return function() if callable(function) and left[0] > 0 else function

    namespace: dict[str, Any] = {"seen": seen, "call": call, **{name: [name] for name in sorted(brought)}}
    try:
        exec(code, namespace)
    except (Exception, RecursionError) as error:
        seen.append(f"{type(error).__name__} {error}")
    return [_shown(each) for each in seen]


def _shown(value: Any, depth: int = 5) -> str:
    """Without what differs between two runs of the same."""
    if isinstance(value, list):
        return f"[{', '.join([_shown(each, depth - 1) for each in value[:10]]) if depth else '…'}]"
    return repr(value) if isinstance(value, (int, str)) else getattr(value, "__name__", type(value).__name__)
