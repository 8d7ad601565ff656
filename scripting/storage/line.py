"""A connection to Redis that its owner keeps: a command costs a third of what the client's pool, retries and measuring make of it."""

from __future__ import annotations

from typing import Any

from scripting.storage.redis_client import MOVED, own_connection, redis_client


class Line:
    """Of one thread at a time. Takes commands that may be carried out twice."""

    def __init__(self) -> None:
        self._connection: Any = None

    def execute_command(self, *command: Any) -> Any:
        """The answer. A connection that is lost is made anew once. Raises redis.RedisError."""
        was_open = self._connection is not None
        try:
            return self._exchange(command)
        except MOVED:
            if not was_open:
                raise
        return self._exchange(command)

    def _exchange(self, command: tuple[Any, ...]) -> Any:
        try:
            if self._connection is None:
                self._connection = own_connection(redis_client().connection_pool)
                self._connection.connect()
            self._connection.send_command(*command)
            return self._connection.read_response()
        except MOVED:
            self.close()
            raise

    def close(self) -> None:
        """The next command opens it again."""
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None
