"""Runs the script tests of a Zygomys checkout (tests/*.zy), and random programs beside a built original.

    python -m tests.conformance.zygomys_checkout CHECKOUT [--failed] [--json]
    python -m tests.conformance.zygomys_checkout --original BINARY [--programs 2000] [--seed 0]

CHECKOUT is a copy of the Zygomys repository, BINARY its `zygo`; nothing of either is kept. A script passes if it runs to its end: its
own assertions say what holds. One that needs what is left out here is out of scope, with the reason.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.languages.zygomys.harness import zygomys
from tests.languages.zygomys.programs import OUTCOME, Programs

_OUT_OF_SCOPE = {
    r"\(\s*(source|slurpf|owritef|writef|system|setenv|getenv|sys|include|bload|bsave)\b": "files, processes and environment",
    r"\(\s*(req|import)\s": "files, processes and environment",
    r'"slurpf"': "files, processes and environment",
    r"\((togo|fromgo|methodls|_method|gob|registerDemoFunctions|dump)\b": "Go's structs and reflection",
    r"\((snoopy|eventdemo|persondemo|hellcat|hornet|weather)\b": "Go's structs and reflection",
    r"\((_closdump|typelist|rmsym|pretty|_ls)\b": "the interpreter's own controls",
    r"\(derefSet ptr\b": "pointers to variables of Go's types",
}


@dataclass
class Tally:
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    out_of_scope: Counter[str] = field(default_factory=Counter)


def _reason(text: str) -> str:
    """Why a script is out of scope; empty if it is not."""
    code = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    return next((reason for pattern, reason in _OUT_OF_SCOPE.items() if re.search(pattern, code)), "")


def run_checkout(checkout: Path) -> Tally:
    """Run every script. Its last value need not be one that can leave a script."""
    tally = Tally()
    for path in sorted((checkout / "tests").glob("*.zy")):
        text = path.read_text(encoding="utf-8")
        reason = _reason(text)
        if reason:
            tally.out_of_scope[reason] += 1
            continue
        fault = zygomys(f"{text}\nnil\n").fault
        if fault is None:
            tally.passed += 1
        else:
            tally.failed.append(f"{path.name}:{fault.line}: {fault.message[:200]}")
    return tally


def _original(binary: Path, text: str, folder: Path) -> str:
    """The original's output for the program's variables; `error` if it ends in one."""
    path = folder / "program.zy"
    path.write_text(f"{text}\n(println (str {OUTCOME}))\n", encoding="utf-8")
    ran = subprocess.run(
        [binary, "-exitonfail", path], capture_output=True, timeout=60, stdin=subprocess.DEVNULL, check=False
    )
    return "error" if ran.returncode else ran.stdout.decode("utf-8", "replace").strip()


def compare(binary: Path, count: int, seed: int) -> Tally:
    """Random programs in both: the same variables at the end, or an error in both."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(seed, seed + count):
            text = Programs(number).program()
            ran = zygomys(f"{text}\n(println (str {OUTCOME}))")
            ours = "error" if ran.fault else "\n".join(ran.logs).strip()
            theirs = _original(binary, text, Path(folder))
            if ours == theirs:
                tally.passed += 1
            else:
                tally.failed.append(f"program {number}: {ours[:200]} here, {theirs[:200]} there")
    return tally


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, nargs="?")
    parser.add_argument("--original", type=Path)
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--failed", action="store_true", help="list what failed")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if options.original:
        tally = compare(options.original, options.programs, options.seed)
    elif options.checkout and (options.checkout / "tests").is_dir():
        tally = run_checkout(options.checkout)
    else:
        parser.error("name a checkout with its folder tests/, or --original BINARY")
    total = tally.passed + len(tally.failed)
    share = 100 * tally.passed / total if total else 0.0
    if options.json:
        print(json.dumps({"passed": tally.passed, "failed": tally.failed, "out_of_scope": tally.out_of_scope}))
    else:
        print(f"{tally.passed} of {total} in scope passed ({share:.1f} %)")
        for reason, count in tally.out_of_scope.most_common():
            print(f"  out of scope: {count} need {reason}")
        if options.failed or options.original:
            print("\n".join(tally.failed))
    return 0 if total and share >= (99.5 if options.original else 95) else 1


if __name__ == "__main__":
    sys.exit(main())
