"""Check texts in this process, as the compiler of a sandbox does, with the inputs of a small game known."""

from __future__ import annotations

from collections.abc import Mapping

from scripting.sandbox.compiler import Compiler
from scripting.sandbox.languages.factory import EngineFactory
from scripting.sandbox.protocol import DEFAULT_PACKAGES, Finding, Function, Inputs, Load, Parameter, Shape, Text

_ENGINES = EngineFactory()
PLAIN = (Shape(),)
UNIT = (Shape("Unit", {"id": PLAIN, "armour": PLAIN, "attack": PLAIN, "place": (Shape("Place", {"x": PLAIN}),)}),)
DUEL = {"attacker": UNIT, "target": UNIT, "near": (Shape(items=UNIT),), "distance": PLAIN, "extra": ()}
MARCH = {"unit": UNIT, "target": PLAIN, "distance": PLAIN}


def brought_by(topic: str, payload: Mapping[str, tuple[Shape, ...]]) -> Inputs:
    """The inputs of a run on a topic."""
    message = Shape("message", {"payload": (Shape(topic, dict(payload)),), "topic": PLAIN, "metadata": ()})
    return Inputs(topic, {"message": (message,), "topic": PLAIN, "module": PLAIN, "timestamp": PLAIN})


INPUTS = (brought_by("game.duel", DUEL),)
BOTH = (*INPUTS, brought_by("game.march", MARCH))
FUNCTIONS = (
    Function("state", "read", (Parameter("game_id", required=False),)),
    Function("publish_event", "effect", (Parameter("topic"), Parameter("payload"))),
)


def check(
    text: str,
    language: str = "python",
    *,
    inputs: tuple[Inputs, ...] = INPUTS,
    helpers: Mapping[str, str] | None = None,
    name: str = "game/duel",
) -> list[Finding]:
    """The findings of a text's check."""
    sources = tuple(Text(f"shared/{key}", language, source.encode()) for key, source in (helpers or {}).items())
    load = Load(
        Text(name, language, text.encode("utf-8", "surrogatepass")), sources, FUNCTIONS, DEFAULT_PACKAGES,
        32 << 20, 5, 256 << 10, 20_000, 60, 1 << 20, 40, 100_000, 1000, 1 << 20, 1000, (), inputs,
    )  # fmt: skip
    compiler = Compiler(load, _ENGINES)
    compiler.compile()
    return compiler.findings


def told(findings: list[Finding]) -> list[str]:
    """Each in a line; `!` marks what is certain."""
    return [f"{found.line or '-'}{'!' if found.certain else ''} {found.message}" for found in findings]
