"""A text that will certainly fail is published only where that is confirmed: nothing of it is stored before."""

from __future__ import annotations

import pytest

from scripting.registry import publishing
from scripting.registry.moves import AnyBase, WillFail
from scripting.registry.publishing import Text, TogetherRefused
from tests.support.arena import Arena, make_script

pytestmark = pytest.mark.django_db(transaction=True)

LIVE = "result = {'points': 1}\n"
FAILING = "result = {'points': message['payload']['pionts']}\n"


def test_a_text_that_will_fail_is_published_only_when_that_is_confirmed(arena: Arena) -> None:
    script = make_script(LIVE)
    given = {"actor": None, "reason": "why", "base": AnyBase}
    with pytest.raises(WillFail) as asked:
        publishing.publish(script, "python", FAILING, confirmed=False, **given)  # type: ignore[arg-type]
    (failure,) = asked.value.diagnostics
    assert failure.message == '"pionts" is no field of arena.aftermath or arena.hit: it is never there'
    assert (failure.line, failure.hint) == (1, "did you mean points?")
    assert script.versions.count() == 1
    activation = publishing.publish(script, "python", FAILING, confirmed=True, **given)  # type: ignore[arg-type]
    assert activation.version is not None
    assert [found["certain"] for found in activation.version.diagnostics] == [True]


def test_none_of_several_texts_is_published_before_that_is_confirmed(arena: Arena) -> None:
    scripts = [make_script(LIVE, name) for name in ("scorer", "other")]
    texts = [Text(scripts[0], "python", FAILING.encode()), Text(scripts[1], "python", b"result = 2\n")]
    with pytest.raises(TogetherRefused, match="arena/scorer will certainly fail"):
        publishing.publish_together(texts, actor=None, reason="why", confirmed=False)
    assert [script.versions.count() for script in scripts] == [1, 1]
    assert len(publishing.publish_together(texts, actor=None, reason="why")) == 2
