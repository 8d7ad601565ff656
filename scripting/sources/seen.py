"""The contents of one scripts folder when it was last looked at. A file counts when it changes, and its absence, where it was seen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import TypeVar

from scripting import clock
from scripting.models import Script, SeenFile
from scripting.models.script import ScriptQuerySet

KEPT = timedelta(days=400)
"""After that a folder that nobody looked at is forgotten: each start of a container may bring a new one."""

Key = TypeVar("Key", bound=tuple[str, ...])


def path_of(key: tuple[str, ...]) -> str:
    return "/".join(key)


def digests_in(folder: str, keys: Collection[Key]) -> dict[Key, str]:
    """The digest of each of these files, as last seen in the folder."""
    by_path = {path_of(key): key for key in keys}
    rows = SeenFile.objects.filter(folder=folder, path__in=by_path) if folder and by_path else ()
    return {by_path[row.path]: row.digest for row in rows}


def keys_in(folder: str, *, parts: int) -> set[tuple[str, ...]]:
    """Files last seen in the folder: scripts have two `parts`, cases three. Those of retired scripts do not count."""
    if not folder:
        return set()
    rows = SeenFile.objects.filter(folder=folder).values_list("path", flat=True)
    found = {tuple(path.split("/")) for path in rows}
    in_use: ScriptQuerySet = Script.objects.in_use()
    used = set(in_use.values_list("module", "name")) if found else set()
    return {key for key in found if len(key) == parts and key[:2] in used}


def record(folder: str, digests: Mapping[Key, str]) -> None:
    """Remember these files of the folder; those that are remembered so are not written again."""
    known = digests_in(folder, list(digests))
    rows = [
        SeenFile(folder=folder, path=path_of(key), digest=digest, seen_at=clock.now())
        for key, digest in digests.items()
        if folder and known.get(key) != digest
    ]
    SeenFile.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["folder", "path"], update_fields=["digest", "seen_at"]
    )


def forget(folder: str, keys: Iterable[tuple[str, ...]]) -> None:
    """The folder holds these files no longer."""
    SeenFile.objects.filter(folder=folder, path__in=[path_of(key) for key in keys]).delete()


def look_over(folder: str) -> None:
    """Note that somebody looked at this folder, and forget those that nobody looked at for long."""
    now = clock.now()
    SeenFile.objects.filter(folder=folder).update(seen_at=now)
    SeenFile.objects.filter(seen_at__lt=now - KEPT).delete()
