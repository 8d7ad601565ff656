"""Check an exported decision without the site: `python offline.py bundle.json`. It needs Python 3.11 and nothing else.

A bundle holds the receipt of one execution with what it covers, and the way from it to the root of its day. What the site withheld is
named, and everything else is checked. Compare the root that this prints with the one that was published: a bundle can only prove that
it belongs to a root, not that the root is the site's. The format is described in docs/receipts.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import struct
import sys
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

LAYOUT = struct.Struct(">B16sIIBBBxq32s20s20s20s20s20s20s")
SIZE = LAYOUT.size + 4
CUT = 20
STATUSES = ("", "succeeded", "fell_back", "failed", "cancelled", "skipped", "abandoned")
TRIGGERS = ("", "event", "endpoint", "manual", "replay")
ROLES = ("", "primary", "retry", "fallback", "built_in")
PARTS = ("record", "origin", "shown", "inputs", "outcome", "calls")
SALTED = ("origin", "inputs", "outcome", "calls")
NAMES = ("format", "execution", "script", "version", "status", "trigger", "role", "finished_us", "bundle", *PARTS)

# -- the receipt -----------------------------------------------------------------------------------------------------------


def read_receipt(packed: bytes) -> dict[str, Any]:
    """The fields of a receipt by name. Raises ValueError."""
    if len(packed) != SIZE or zlib.crc32(packed[:-4]).to_bytes(4, "big") != packed[-4:]:
        raise ValueError("the receipt is damaged: its checksum does not fit")
    found = dict(zip(NAMES, LAYOUT.unpack(packed[:-4]), strict=True))
    if found["format"] != 1:
        raise ValueError(f"the receipt has format {found['format']}: take a newer verifier")
    return found


def bundle_digest(sources: Sequence[dict[str, Any]]) -> bytes:
    """Digest of a script (the first source) with its helpers: over names, languages, texts and values that are set."""
    hasher = hashlib.sha256()
    for source in [sources[0], *sorted(sources[1:], key=lambda one: one["name"])]:
        parts = [source["name"], source["language"], source["text"]]
        if source.get("knobs"):
            parts.append("knobs " + json.dumps(source["knobs"], sort_keys=True, separators=(",", ":")))
        for part in parts:
            encoded = part.encode("utf-8", "surrogatepass")
            hasher.update(len(encoded).to_bytes(8, "big") + encoded)
    return hasher.digest()


def shown_digest(inputs_text: str, result_text: str) -> bytes:
    inputs, result = (text.encode("utf-8", "surrogatepass") for text in (inputs_text, result_text))
    return hashlib.sha256(b"shown" + len(inputs).to_bytes(4, "big") + inputs + result).digest()[:CUT]


def part_digest(name: str, salt: bytes, content: bytes) -> bytes:
    return hashlib.sha256(name.encode() + salt + content).digest()[:CUT]


# -- the tree --------------------------------------------------------------------------------------------------------------


def leaf(kind: str, content: bytes) -> bytes:
    """Digest of a leaf; `kind` is `receipt` or `activation`."""
    return hashlib.sha256(b"\0" + kind.encode() + b" " + content).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def tree_of(leaves: Iterable[bytes]) -> bytes:
    """The top of the tree over leaves: neighbours are joined level by level, one without a neighbour moves up as it is."""
    level = list(leaves)
    if not level:
        return bytes(32)
    while len(level) > 1:
        level = _joined(level)
    return level[0]


def path_of(leaves: Sequence[bytes], place: int) -> list[tuple[str, bytes]]:
    """The neighbours from a leaf up to the top, each with its side."""
    path: list[tuple[str, bytes]] = []
    level = list(leaves)
    while len(level) > 1:
        beside = place ^ 1
        if beside < len(level):
            path.append(("left" if beside < place else "right", level[beside]))
        level, place = _joined(level), place // 2
    return path


def _joined(level: Sequence[bytes]) -> list[bytes]:
    pairs = [node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return pairs + list(level[len(level) - len(level) % 2 :])


def top_of(start: bytes, path: Iterable[Sequence[Any]]) -> bytes:
    """Where a path leads from a leaf."""
    for side, beside in path:
        start = node(beside, start) if side == "left" else node(start, beside)
    return start


def root_digest(
    module: str, day: str, receipts: int, links: int, activations: int, tree: bytes, previous: bytes
) -> bytes:
    head = f"root {module} {day} {receipts} {links} {activations} "
    return hashlib.sha256(head.encode() + tree + previous).digest()


# -- checking a bundle -----------------------------------------------------------------------------------------------------

HOLDS, FAILS, WITHHELD = "holds", "FAILS", "not checked"
Verdict = tuple[str, str]
Test = tuple[bool, str]


def check(bundle: dict[str, Any]) -> list[Verdict]:
    """All that can be checked of a bundle, each with its verdict."""
    try:
        receipt = read_receipt(bytes.fromhex(bundle["receipt"]))
    except (KeyError, TypeError, ValueError) as problem:
        return [(FAILS, f"receipt: {problem}")]
    verdicts = [(HOLDS, in_words(receipt))]
    withheld = bundle.get("withheld") or {}
    for name, test in _tests(bundle, receipt):
        try:
            if test is None:
                verdicts.append((WITHHELD, f"{name}: {withheld.get(name, 'not in this bundle')}"))
            else:
                holds, words = test()
                verdicts.append((HOLDS if holds else FAILS, f"{name}: {words}"))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, binascii.Error) as problem:
            verdicts.append((FAILS, f"{name}: cannot be read ({problem})"))
    return verdicts


def in_words(receipt: dict[str, Any]) -> str:
    hexed = receipt["execution"].hex()
    execution = "-".join((hexed[:8], hexed[8:12], hexed[12:16], hexed[16:20], hexed[20:]))
    when = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=receipt["finished_us"])).isoformat()
    status = STATUSES[receipt["status"]] if receipt["status"] < len(STATUSES) else "?"
    return f"receipt of execution {execution}, {status}, finished {when}"


def _tests(bundle: dict[str, Any], receipt: dict[str, Any]) -> list[tuple[str, Any]]:
    """(name, a function that checks it; None where the bundle has not got it)."""
    found: list[tuple[str, Any]] = []

    def add(name: str, test: Any) -> None:
        found.append((name, test if bundle.get(name) is not None else None))

    def record() -> Test:
        text = bundle["record"].encode()
        fields = json.loads(text)
        same = hashlib.sha256(b"record" + text).digest()[:CUT] == receipt["record"]
        fits = fields["id"].replace("-", "") == receipt["execution"].hex() and (
            fields.get("bundle_digest", "") == (receipt["bundle"].hex() if any(receipt["bundle"]) else "")
        )
        return same and fits, f"status, version, seed {fields.get('seed')}, clock, times and error"

    def shown() -> Test:
        both = bundle["shown"]
        return shown_digest(both["inputs"], both["result"]) == receipt["shown"], "inputs and result as pages show them"

    def salted(name: str) -> Any:
        def test() -> Test:
            part = bundle[name]
            content = base64.b64decode(part["content"], validate=True)
            return part_digest(name, bytes.fromhex(part["salt"]), content) == receipt[name], "whole"

        return test

    def texts() -> Test:
        sources = bundle["texts"]
        names = ", ".join(source["name"] for source in sources)
        return bundle_digest(sources) == receipt["bundle"], f"{names} decided"

    def root() -> Test:
        start = leaf("receipt", bytes.fromhex(bundle["receipt"]))
        return _leads_to(start, bundle["root"]), "the receipt is in the " + _root_in_words(bundle["root"])

    def announced() -> Test:
        told = bundle["announced"]
        fields = json.loads(told["activation"])
        words = f"{fields['script']} v{fields['version']} went live at {fields['at']}"
        if told.get("root") is None:
            return True, words + "; in no published root yet"
        holds = _leads_to(leaf("activation", told["activation"].encode()), told["root"])
        return holds, words + ", by the " + _root_in_words(told["root"])

    add("record", record)
    add("shown", shown)
    for name in SALTED:
        add(name, salted(name))
    add("texts", texts)
    add("root", root)
    add("announced", announced)
    return found


def _leads_to(start: bytes, root: dict[str, Any]) -> bool:
    tree = bytes.fromhex(root["tree"])
    top = top_of(start, [(side, bytes.fromhex(beside)) for side, beside in root["path"]])
    counts = (root["receipts"], root["links"], root["activations"])
    made = root_digest(root["module"], root["day"], *counts, tree, bytes.fromhex(root["previous"]))
    return top == tree and made == bytes.fromhex(root["root"])


def _root_in_words(root: dict[str, Any]) -> str:
    return f"root {root['root']} of {root['module']} on {root['day']}"


def main(arguments: Sequence[str] | None = None) -> int:
    paths = list(sys.argv[1:] if arguments is None else arguments)
    if len(paths) != 1 or paths[0].startswith("-"):
        print("usage: python offline.py bundle.json", file=sys.stderr)
        return 2
    try:
        with open(paths[0], encoding="utf-8") as file:  # noqa: PTH123 - one file, of its caller
            bundle = json.load(file)
        if not isinstance(bundle, dict):
            raise ValueError("it is no JSON object")  # noqa: TRY004 - it is the file that is wrong
    except (OSError, ValueError) as problem:
        print(f"cannot read {paths[0]}: {problem}", file=sys.stderr)
        return 2
    verdicts = check(bundle)
    for verdict, words in verdicts:
        print(f"{verdict:12} {ascii(words)[1:-1]}")
    return 1 if any(verdict == FAILS for verdict, _ in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
