"""Zygomys beside plain CPython: the algorithms of the Tengo benchmark as a Lisp writes them; and reading and lowering a text."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from benchmarks.tengo import ALGORITHMS, algorithm, alone
from scripting.sandbox.languages.factory import EngineFactory

TARGET_RATIO = 2.5
READING_TARGET_MS = 100.0
EXAMPLE = Path(__file__).parent.parent / "wargame" / "overrides" / "zygomys" / "event_processor.zygomys"

FIB = """
(defn fib [n]
  (cond (< n 2) n
    (+ (fib (- n 1)) (fib (- n 2)))))
(def result (fib 20))
"""
UNITS = """
(def total 0)
(def lost 0)
(def strongest nil)
(range index unit units
  (cond (and (== (:side unit) "red") (> (:health unit) 0))
    (begin
      (set total (+ total (* (:attack unit) 2) (:health unit)))
      (cond (or (null? strongest) (> (:attack unit) (:attack strongest))) (set strongest unit) nil))
    (++ lost)))
(def result [total lost (:id strongest)])
"""
TEXT = """
(def text "")
(for [(def i 0) (< i 20000) (def i (+ i 1))]
  (set text (concat text "unit " (str i) ", ")))
(def result (len text))
"""


def measure(rounds: int = 15) -> list[dict[str, Any]]:
    """Milliseconds of processor time of the quickest run, ours and the peer's; then a text of 1 000 lines read and lowered."""
    texts = zip((FIB, UNITS, TEXT), ALGORITHMS.items(), strict=True)
    figures = [
        algorithm("Zygomys", name, text, peer_text, rounds, TARGET_RATIO) for text, (name, (_, peer_text)) in texts
    ]
    return [*figures, *reading()]


def reading() -> list[dict[str, Any]]:
    """Our rule for events, over and over, each time in a function of its own."""
    rule = EXAMPLE.read_text(encoding="utf-8")
    count = 1000 // (rule.count("\n") + 3) + 1
    text = "".join(f"(defn rule_{number} []\n{rule}\n)\n" for number in range(count))
    lines = text.count("\n")
    engine = EngineFactory().engine("zygomys")
    taken = []
    for _ in range(7):
        started = time.process_time()
        engine.check_bounds(text, 60)
        tree = engine.parse(text, "bench/parse")
        taken.append((time.process_time() - started) * 1_000_000 / lines)
        engine.forget(tree)
    return [alone("Zygomys: parsing and lowering 1 000 lines", min(taken), READING_TARGET_MS)]
