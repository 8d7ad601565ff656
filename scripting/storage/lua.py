"""Lua scripts that Redis runs in one step: each alone, or several in one exchange."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from redis.exceptions import NoScriptError


class Asked(Protocol):
    """Carries out commands: a client, or a `Line`."""

    def execute_command(self, *command: Any) -> Any: ...


class LuaScript:
    """A Lua script, loaded into Redis when it is first needed there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[str], arguments: Sequence[Any], client: Asked) -> Any:
        try:
            return client.execute_command("EVALSHA", self._sha, len(keys), *keys, *arguments)
        except NoScriptError:
            client.execute_command("SCRIPT LOAD", self.text)
            return client.execute_command("EVALSHA", self._sha, len(keys), *keys, *arguments)


@dataclass(frozen=True)
class Call:
    """A script with what it is called with."""

    script: LuaScript
    keys: Sequence[str] = ()
    arguments: Sequence[Any] = field(default=())


def together(calls: Sequence[Call], client: Asked) -> list[Any]:
    """Make several calls in one step and one exchange: their answers, in order. Raises redis.RedisError."""
    keys = [key for call in calls for key in call.keys]
    counts = [count for call in calls for count in (len(call.keys), len(call.arguments))]
    arguments = [argument for call in calls for argument in call.arguments]
    answers: list[Any] = _joined(tuple(call.script for call in calls))(keys, [*counts, *arguments], client)
    return answers


@functools.cache
def _joined(scripts: tuple[LuaScript, ...]) -> LuaScript:
    """One script of several: to each its own part of KEYS and ARGV. Its first ARGV are how many of both each takes."""
    begin = f"""
local answers, key, argument = {{}}, 0, {2 * len(scripts)}
local function call(number, script)
  local keys, arguments = {{}}, {{}}
  for i = 1, tonumber(ARGV[2 * number - 1]) do keys[i] = KEYS[key + i] end
  for i = 1, tonumber(ARGV[2 * number]) do arguments[i] = ARGV[argument + i] end
  key, argument = key + #keys, argument + #arguments
  local answer = script(keys, arguments)
  if answer == nil then answer = false end
  answers[number] = answer
end
"""
    calls = "".join(
        f"call({number}, function(KEYS, ARGV)\n{script.text}\nend)\n" for number, script in enumerate(scripts, 1)
    )
    return LuaScript(f"{begin}{calls}return answers")
