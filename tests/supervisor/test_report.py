"""The report: what a real sandbox is refused, layer by layer."""

from __future__ import annotations

import sys

import pytest

from scripting.sandbox.probes import PROBES
from scripting.supervisor import report


def test_the_report_tries_what_the_sandbox_offers_to_try() -> None:
    assert [(probe.layer, probe.tries) for probe in report._PROBES] == [(probe.layer, probe.tries) for probe in PROBES]


@pytest.mark.slow
def test_every_layer_is_tried_in_a_real_sandbox_and_those_that_hold_anywhere_hold_here() -> None:
    layers = {layer.name: layer for layer in report.sandbox_report()}
    for name in (
        "seccomp",
        "memory limit",
        "descriptors closed",
        "empty environment",
        "own code only",
        "unprivileged user",
    ):
        assert layers[name].holds, layers[name]
    assert all(layer.hint for layer in layers.values() if not layer.holds)


@pytest.mark.slow
def test_the_report_warns_of_interpreters_with_known_faults() -> None:
    interpreter = next(layer for layer in report.sandbox_report() if layer.name == "interpreter")
    assert interpreter.holds == (sys.version_info >= (3, 13, 2))


def test_a_light_parent_that_does_not_start_is_reported() -> None:
    (layer,) = report.sandbox_report("/bin/false")
    assert not layer.holds
