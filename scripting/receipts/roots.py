"""Daily roots: one tree over all receipts of a module that no root holds yet, and over what went live; fixed once it is made."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from scripting import clock
from scripting.conf import conf
from scripting.execution.receipts import NONE, SIZE
from scripting.models import Activation, ReceiptLink, ReceiptRoot
from scripting.models.receipts import UNSEALED
from scripting.receipts.offline import leaf, path_of, root_digest, tree_of
from scripting.receipts.sealing import seal

logger = logging.getLogger(__name__)

ROOT_FILE = "roots.jsonl"
SETTLED = timedelta(minutes=2)
"""An activation is taken into a root when it is so old: by then no smaller id is still to be committed."""


def end_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def is_due(now: datetime | None = None) -> bool:
    """Whether something was recorded on a day that is over, and no root holds it."""
    day = (now or clock.now()).date() - timedelta(days=1)
    waiting = waiting_links().filter(made_at__lt=end_of(day))
    rooted = ReceiptRoot.objects.filter(day=day).values("module")
    return waiting.exclude(module__in=rooted).exists()


def waiting_links() -> QuerySet[ReceiptLink]:
    """Links that no root holds yet, sealed or not."""
    return ReceiptLink.objects.filter(Q(root_day=None) | Q(root_day=UNSEALED))


def make_due(now: datetime | None = None, *, rest: float = 0.0) -> list[ReceiptRoot]:
    """Make the roots of yesterday (UTC), of each module that has not got its own yet, and publish them. It rests as `seal` does."""
    now = now or clock.now()
    made = make_roots(now.date() - timedelta(days=1), rest=rest)
    publish()
    return made


def make_roots(day: date, *, rest: float = 0.0) -> list[ReceiptRoot]:
    """The roots that this made for a day that is over: of every module with something that no root holds, once that is sealed."""
    seal(end_of(day), rest=rest)
    links = ReceiptLink.objects.filter(root_day=None, made_at__lt=end_of(day))
    modules = {*links.values_list("module", flat=True).distinct(), *_with_activations(day)}
    return [root for module in sorted(modules) if (root := _make(module, day)) is not None]


def _with_activations(day: date) -> set[str]:
    """Modules in which something went live that no root holds."""
    held = dict(ReceiptRoot.objects.order_by("day").values_list("module", "activations_upto"))
    new = Activation.objects.filter(created_at__lt=end_of(day), pk__gt=min(held.values(), default=0))
    return {module for module, pk in new.values_list("script__module", "pk") if pk > held.get(module, 0)}


@transaction.atomic
def _make(module: str, day: date) -> ReceiptRoot | None:
    before = ReceiptRoot.objects.select_for_update().filter(module=module).order_by("-day").first()
    if before is not None and before.day >= day:
        return None  # fixed: what came late goes to the next day's
    links = ReceiptLink.objects.filter(root_day=None, module=module, made_at__lt=end_of(day))
    links = links.filter(Q(digests=None) | Q(seal__isnull=False))
    taken = list(links.values_list("pk", flat=True))
    since = before.activations_upto if before else 0
    settled = min(end_of(day), clock.now() - SETTLED)
    activations = list(activations_of(module).filter(pk__gt=since, created_at__lt=settled))
    if not taken and not activations:
        return None
    for start in range(0, len(taken), 500):
        ReceiptLink.objects.filter(pk__in=taken[start : start + 500]).update(root_day=day)
    leaves = list(leaves_of(links_of(module, day), activations))
    previous = bytes(before.digest) if before else NONE
    tree, receipts = tree_of(leaves), len(leaves) - len(activations)
    try:
        with transaction.atomic():
            return ReceiptRoot.objects.create(
                module=module,
                day=day,
                receipts=receipts,
                links=len(taken),
                activations=len(activations),
                activations_upto=activations[-1].pk if activations else since,
                tree=tree,
                previous=previous,
                digest=root_digest(module, day.isoformat(), receipts, len(taken), len(activations), tree, previous),
                made_at=clock.now(),
            )
    except IntegrityError:  # another process made it
        transaction.set_rollback(True)
        return None


def links_of(module: str, day: date) -> QuerySet[ReceiptLink]:
    """The links that a root holds, in its order."""
    return ReceiptLink.objects.filter(module=module, root_day=day).order_by("chain", "number")


def activations_of(module: str) -> QuerySet[Activation]:
    return Activation.objects.filter(script__module=module).select_related("script", "version", "knobs").order_by("pk")


def activations_in(root: ReceiptRoot) -> QuerySet[Activation]:
    """The activations that a root holds."""
    before = ReceiptRoot.objects.filter(module=root.module, day__lt=root.day).order_by("-day").first()
    return activations_of(root.module).filter(
        pk__gt=before.activations_upto if before else 0, pk__lte=root.activations_upto
    )


def leaves_of(links: QuerySet[ReceiptLink], activations: Iterable[Activation]) -> Iterator[bytes]:
    """Leaves of a root's tree: receipts in the order of their links, then activations."""
    for receipts in links.values_list("receipts", flat=True).iterator(chunk_size=200):
        for start in range(0, len(receipts), SIZE):
            yield leaf("receipt", bytes(receipts[start : start + SIZE]))
    for activation in activations:
        yield leaf("activation", activation_text(activation).encode())


def activation_text(activation: Activation) -> str:
    """An activation as a root covers it."""
    version, knobs = activation.version, activation.knobs
    fields = {
        "id": activation.pk,
        "script": str(activation.script),
        "version": version.number if version else None,
        "language": version.language if version else None,
        "sha256": version.sha256 if version else None,
        "knobs": knobs.number if knobs else None,
        "knobs_sha256": knobs.sha256 if knobs else None,
        "cause": activation.cause,
        "reason_sha256": hashlib.sha256(activation.reason.encode()).hexdigest(),
        "at": activation.created_at.astimezone(UTC).isoformat(),
    }
    return json.dumps(fields, separators=(",", ":"))


# -- publishing ----------------------------------------------------------------------------------------------------------


def document(root: ReceiptRoot) -> dict[str, Any]:
    """A root as it is published: what a verifier needs to make it again."""
    return {
        "module": root.module,
        "day": root.day.isoformat(),
        "receipts": root.receipts,
        "links": root.links,
        "activations": root.activations,
        "tree": bytes(root.tree).hex(),
        "previous": bytes(root.previous).hex(),
        "root": bytes(root.digest).hex(),
    }


def root_file() -> Path:
    return Path(conf.SCRIPTING_RECEIPTS_DIR) / ROOT_FILE


def published() -> dict[tuple[str, str], dict[str, Any]]:
    """The roots in the file, by module and day; a line that is none of ours is left out. Raises OSError."""
    try:
        lines = root_file().read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        try:
            one = json.loads(line)
            found.setdefault((one["module"], one["day"]), one)
        except (ValueError, TypeError, KeyError):
            continue
    return found


def publish() -> int:
    """Append to the file the roots that it lacks; never changes a line. How many; a folder that takes none is told the log."""
    try:
        known = published()
        fresh = [root for root in ReceiptRoot.objects.order_by("day", "module") if _key(root) not in known]
        if fresh:
            root_file().parent.mkdir(parents=True, exist_ok=True)
            with root_file().open("a+b") as file:
                if _is_torn(file):
                    file.write(b"\n")
                file.writelines(f"{json.dumps(document(root))}\n".encode() for root in fresh)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        logger.warning("roots of receipts cannot be published in %s: %s", root_file(), error)
        return 0
    return len(fresh)


def _is_torn(file: IO[bytes]) -> bool:
    """Whether its last line has no end, as where the disk was full in the middle of it: what follows must not go on in it."""
    if not file.seek(0, os.SEEK_END):
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


def _key(root: ReceiptRoot) -> tuple[str, str]:
    return root.module, root.day.isoformat()


# -- the way from a receipt to its root ----------------------------------------------------------------------------------


def way_of_receipt(link: ReceiptLink, place: int) -> dict[str, Any] | None:
    """The root that holds the receipt at a place of a link, with the path to it; None while no root does."""
    root = ReceiptRoot.objects.filter(module=link.module, day=link.rooted).first() if link.rooted else None
    if root is None:
        return None
    at, found = 0, None
    for pk, receipts in links_of(link.module, root.day).values_list("pk", "receipts").iterator(chunk_size=200):
        if pk == link.pk:
            found = at + place
        at += len(receipts) // SIZE
    return None if found is None else _way(root, found)


def way_of_activation(activation: Activation) -> dict[str, Any] | None:
    """The same for an activation."""
    roots = ReceiptRoot.objects.filter(module=activation.script.module, activations_upto__gte=activation.pk)
    root = roots.order_by("day").first()
    if root is None:
        return None
    ids = list(activations_in(root).values_list("pk", flat=True))
    return _way(root, root.receipts + ids.index(activation.pk)) if activation.pk in ids else None


def _way(root: ReceiptRoot, place: int) -> dict[str, Any]:
    leaves = list(leaves_of(links_of(root.module, root.day), activations_in(root)))
    path = [[side, beside.hex()] for side, beside in path_of(leaves, place)]
    return {**document(root), "path": path}
