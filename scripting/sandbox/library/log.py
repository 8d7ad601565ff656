"""The log of a run: bounded in lines and bytes; past the bound it is marked as cut and the run goes on.

print() fills a line until it is ended, as Python does; log() always writes a line of its own.
"""

from __future__ import annotations

from time import monotonic_ns
from typing import Any

from scripting.sandbox.library.text import ScriptText


class RunLog:
    """The log of a run: log() and print() write to it."""

    def __init__(self, max_lines: int, max_bytes: int) -> None:
        self.max_lines = max_lines
        self.max_bytes = max_bytes
        self.lines: list[tuple[int, str]] = []
        """Each with the µs of the machine's monotonic clock at which it was written, which no script ever sees."""
        self.is_untouched = True
        """Nothing was written, so that there is nothing to end, tell or forget."""
        self.truncated = False
        self._bytes = 0
        self._open = ""
        """A line that print() has begun and not ended."""

    def restart(self) -> None:
        """Begin the log of the next run."""
        self.lines = []
        self.is_untouched = True
        self.truncated = False
        self._bytes = 0
        self._open = ""

    def end_line(self) -> None:
        """End the line that print() has begun, if there is one."""
        if self._open:
            line, self._open = self._open, ""
            self._add(line)

    def log(self, text: Any = "", *more: Any) -> None:
        """Write a line: the values as text, with spaces between."""
        if self._open:
            self.end_line()
        if self.truncated:
            return
        line = text if type(text) is str and not more else " ".join([ScriptText(part) for part in (text, *more)])
        if type(line) is not str:
            line = str.__str__(line)
        self._add(line)

    def print(
        self, *values: Any, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False
    ) -> None:
        """print() of a script: text with `sep` between the values and `end` after them; a newline ends the log's line."""
        if file is not None:
            raise TypeError("print() writes to the log; file= is not offered")
        for name, given in (("sep", sep), ("end", end)):
            if given is not None and not isinstance(given, str):
                raise TypeError(f'{name} of print() must be text, such as {name}=", "')
        if self.truncated:
            return
        # By the methods of str itself: a script's own kind of text has its own.
        line = str.join(" " if sep is None else sep, [ScriptText(value) for value in values])
        last = "\n" if end is None else str.__str__(end)
        if self._open:
            line, self._open = self._open + line, ""
        if last == "\n":
            self._add(line)
        elif str.endswith(last, "\n"):
            self._add(line + last[:-1])
        else:
            self._open = line + last
            self.is_untouched = False
            if len(self._open) > self.max_bytes - self._bytes:
                self.end_line()

    def _add(self, line: str) -> None:
        self.is_untouched = False
        room = self.max_bytes - self._bytes
        if len(self.lines) >= self.max_lines or room <= 0:
            self.truncated = True
            return
        data = line[:room].encode("utf-8", "backslashreplace")
        if len(data) >= room or len(line) > room:
            self.truncated = True
            data = data[: room - 1]
        line = data.decode("utf-8", "ignore")
        self._bytes += len(data) + 1
        self.lines.append((monotonic_ns() // 1000, line))


for _name in ("log", "print"):  # as messages of Python's tell them
    getattr(RunLog, _name).__qualname__ = _name
