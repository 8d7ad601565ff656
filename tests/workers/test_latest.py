"""A topic that keeps the latest, from the publisher to the record: what waits merges, and every event has its execution."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from scripting.api import waiting
from scripting.api.executions import described
from scripting.api.shapes import outcome_of
from scripting.bus import publishing
from scripting.bus.drain import DrainResult
from scripting.bus.publishing import Message
from scripting.bus.streams import Stream
from scripting.evidence.corpus import Selection, resolve
from scripting.metrics import rollups
from scripting.models import Execution, Script
from scripting.modules.topics import Topic, TopicError, topics
from scripting.workers import drain_job
from tests.workers.track import LAP, laps


@pytest.fixture(autouse=True)
def latest_alone(track: Script) -> Script:
    topics._topics[LAP.name] = replace(LAP, keep="latest")  # as the module's code might say it
    return track


@pytest.mark.slow
def test_of_a_thousand_positions_of_ten_keys_ten_run_and_the_others_are_recorded_as_superseded(
    latest_alone: Script, admin_client: Client
) -> None:
    runners = [f"runner-{number}" for number in range(10)]
    sent = publishing.publish_many(Message(LAP.name, {"lap": lap}, key=key) for lap in range(100) for key in runners)
    for stream in {Stream.of("track", key, "") for key in runners}:
        while drain_job.drain_once(stream) is DrainResult.HANDED_OVER:
            pass  # to the jobs of the other streams, which wait
    assert laps() == {key: [99] for key in runners}
    recorded = {run.event_id: run for run in Execution.objects.order_by("pk")}
    assert len(recorded) == len(sent) == 1000
    for place, event in enumerate(sent):
        newer = sent[990 + place % 10]
        assert recorded[event].superseded_by == ("" if event == newer else newer)
    of_one = [run.event_id for run in recorded.values() if run.key == runners[3]]
    assert of_one == sent[3::10], "in the order of the key"
    now = datetime.now(UTC)
    [figures] = rollups.by_script(now - timedelta(hours=1), now + timedelta(minutes=1)).values()
    assert (figures.superseded, figures.counts["skipped"], figures.counts["succeeded"]) == (990, 990, 10)
    assert (figures.recorded, figures.runs, figures.durations.total) == (1000, 10, 10), "those skipped did not run"
    assert "990 more were skipped" in admin_client.get("/admin/scripting/execution/figures/?range=1h").content.decode()
    assert len(resolve(latest_alone, Selection()).ids) == 10, "nothing to replay where nothing ran"
    assert described(recorded[sent[0]])["superseded_by"] == sent[990]
    [told] = waiting.of_events([sent[0]])
    fields = outcome_of(told)
    assert (fields["status"], fields["superseded_by"], fields["error"]) == ("skipped", sent[990], None)
    page = admin_client.get(f"/admin/scripting/execution/{recorded[sent[0]].pk}/change/").content.decode()
    assert "No script ran on this event" in page
    assert "was to run on" in page
    assert "Run again exactly" not in page, "there is no run to repeat"
    assert sent[990] in page


def test_a_topic_keeps_all_or_the_latest() -> None:
    with pytest.raises(TopicError, match="keep is 'some': it may be all or latest"):
        Topic("track.some", LAP.schema, "A typing error.", keep="some")  # type: ignore[arg-type]
