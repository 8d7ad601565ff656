"""Which version of a script runs, as this process remembers it.

The database is the truth. A process remembers what it read until the generation differs or the poll finds a change.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Mapping

from django.db import router

from scripting.conf import conf
from scripting.models import SHARED, Script
from scripting.modules.installed import modules
from scripting.processes import generation
from scripting.processes.generation import Generation, Span
from scripting.registry.reading import Carried, following, load, recorded
from scripting.registry.resolved import Key, ResolvedScript, ScriptNotFound
from scripting.storage.compiled_query import Prepared

logger = logging.getLogger(__name__)


class ScriptRegistry:
    """Versions of scripts for this process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scripts: dict[Key, ResolvedScript] = {}
        self._read: dict[Key, ResolvedScript] = {}
        """Each as it was last read, current or not: the texts of its versions need not be read again."""
        self._generation: Generation | None = None
        """Everything remembered is at least as new as this."""
        self._changes = 0
        """Counts what this process heard of changes: what was read before one may be older than it."""
        self._checked = 0.0
        self._polled = 0.0
        self._mark: int | None = None

    # -- reading ---------------------------------------------------------------------------------------------------

    def resolve(self, module: str, name: str) -> ResolvedScript:
        """The script as it runs now, at most SCRIPTING_GENERATION_MAX_AGE behind. Raises ScriptNotFound.

        Once `take` or `take_all` has answered a version, no later call answers an older one.
        """
        self.refresh()
        key = (module, name)
        while True:
            found = self._scripts.get(key)
            if found is not None:
                return found
            changes = self._changes
            found = load([key], self._read).get(key)
            with self._lock:
                if self._changes == changes:  # else it may have been read before the change
                    if found is None:
                        break
                    self._scripts[key] = self._read[key] = found
                    return found
        known = [str(script) for script in Script.objects.in_use().filter(module=module)]
        installed = modules.get(module)
        ships = installed is not None and name in installed.config.scripts() and f"{module}/{name}" not in known
        raise ScriptNotFound(
            f"there is no script {module}/{name} that could run (module {module} has: {', '.join(known) or 'none'})"
            + ("; `manage.py sync_scripts` takes in what modules ship" if ships else "")
        )

    def take(self, keys: Collection[Key], changes: Span | None = None) -> dict[Key, ResolvedScript]:
        """Read these scripts anew, for the next run to be on; answers those that there are. `changes`: all that they cover."""
        return self._take(keys, changes)

    def take_all(self, seen: Generation | None = None) -> dict[Key, ResolvedScript]:
        """Read every script anew, after a look at the generation that gave `seen`."""
        return self._take(None, None, seen)

    def _take(
        self, keys: Collection[Key] | None, span: Span | None, seen: Generation | None = None
    ) -> dict[Key, ResolvedScript]:
        while True:
            changes = self._heard_of_change()
            found = load(keys, self._read)
            with self._lock:
                if self._changes != changes:
                    continue
                self._read.update(found)
                for key in list(self._scripts) if keys is None else keys:
                    self._scripts.pop(key, None)
                self._scripts.update(found)
                if keys is None:
                    self._generation = seen
                elif span is not None and span.leads_on_from(self._generation):
                    self._generation = span.reached
                return found

    def adopt(self, told: Mapping[Key, Carried], changes: Span | None = None) -> dict[Key, ResolvedScript]:
        """Take these scripts as another process read them; answers those that need no look of one's own. `changes`: all that they cover."""
        found = {}
        with self._lock:
            self._changes += 1
            for key, one in told.items():
                before = self._scripts.get(key)  # none: something is to be read anew that `one` may not know of
                script = None if before is None else following(one, before)
                if script is not None:
                    self._scripts[key] = self._read[key] = found[key] = script
            if changes is not None and len(found) == len(told) and changes.leads_on_from(self._generation):
                self._generation = changes.reached
        return found

    def known(self, key: Key) -> tuple[ResolvedScript, ...]:
        """The script as it was last read, current or not; empty where it never was."""
        found = self._read.get(key)
        return () if found is None else (found,)

    def discard(self, module: str, name: str, made: Generation | None = None) -> None:
        """Read a script anew at its next run, and with a helper all that may import it."""
        with self._lock:
            self._changes += 1
            self._scripts.pop((module, name), None)
            if module == SHARED:
                self._scripts = {key: script for key, script in self._scripts.items() if not script.may_import(name)}
            span = Span.of(made)
            if span is not None and span.leads_on_from(self._generation):
                self._generation = span.reached

    def refresh(self, seen: Generation | None = None) -> None:
        """Forget what changed. `seen` is a generation just read with a batch; without it one is read when due."""
        now = time.monotonic()
        if seen is None:
            if now - self._checked < conf.SCRIPTING_GENERATION_MAX_AGE:
                return
            seen = generation.read()
        self._checked = now
        if seen is not None and seen != self._generation:
            self.forget(seen)
        if now - self._polled >= conf.SCRIPTING_POLL_SECONDS:
            self._poll(now)

    def forget(self, seen: Generation | None = None) -> None:
        """Read every script anew at its next run."""
        with self._lock:
            self._changes += 1
            self._generation = seen
            self._scripts.clear()
            self._read.clear()

    def mark(self) -> int | None:
        """A number in the database that every change of a script raises, since each writes history."""
        return next((pk for (pk,) in _newest_change.rows(router.db_for_read(Script))), None)

    def _poll(self, now: float) -> None:
        """Notice changes that Redis did not tell of."""
        self._polled = now
        mark = self.mark()
        if mark != self._mark:
            self._mark = mark
            with self._lock:
                self._changes += 1
                self._scripts.clear()
                self._read.clear()  # the database may be another, put in its place from a copy

    def _heard_of_change(self) -> int:
        with self._lock:
            self._changes += 1
            return self._changes

    recorded = staticmethod(recorded)


_newest_change = Prepared(lambda: Script.history.order_by("-history_id").values_list("history_id")[:1])

registry = ScriptRegistry()
