"""Lua scripts that Redis runs in one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis


class LuaScript:
    """A Lua script, loaded into Redis when it is first needed there."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._registered: dict[int, Any] = {}

    def __call__(self, keys: Sequence[str], arguments: Sequence[Any], client: redis.Redis) -> Any:
        script = self._registered.get(id(client))
        if script is None:
            script = self._registered[id(client)] = client.register_script(self._text)
        return script(keys, arguments)
