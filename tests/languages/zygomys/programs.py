"""Random Zygomys programs that always end: texts for tests that hold for every program, and for comparing with the original."""

from __future__ import annotations

import random

_INTS = ("0", "1", "2", "3", "-1", "7", "100", "1073741823", "-1073741824", "2305843009213693952")
_FLOATS = ("0.5", "2.0", "-1.25", "1e3", "3.0")
_TEXTS = ('""', '"ab"', '"é"', '"x y"', "`raw`")
_OTHERS = ("true", "false", "nil", "'c'", "%sym", "3ULL", "()")
_NUMBERS = ("a", "b", "n")
_NAMES = ("a", "b", "n", "s", "xs", "l", "h", "q")
_COMPARED = ("<", ">", "<=", ">=", "==", "!=")
_ONE = (
    "str",
    "type?",
    "not",
    "empty?",
    "null?",
    "int?",
    "string?",
    "number?",
    "list?",
    "array?",
    "zero?",
    "hash?",
    "symbol?",
)
_SIZED = ("xs", "xs", "l", "%(1 2)", "[3 4]")


class Programs:
    """Makes one program after another."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.depth = 0

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def program(self) -> str:
        """A text whose last form is what came of its variables."""
        lines = [
            f"(def a {self.pick(*_INTS)})",
            f"(def b {self.pick(*_INTS, *_FLOATS)})",
            "(def n 0)",
            f"(def i64 {self.pick(*_INTS)})",
            f"(def s {self.pick(*_TEXTS[:4])})",
            f"(def xs [{' '.join(self.atom() for _ in range(self.random.randrange(1, 4)))}])",
            f"(def l (list {' '.join(self.atom() for _ in range(self.random.randrange(4)))}))",
            '(def h (hash k:1 j:"two" 3:%three))',
            f"(def q {self.pick(*_OTHERS, *_INTS, *_TEXTS)})",
            f"(defn f [x y] {self.body(('x', 'y'))})",
            f"(defn g [x] (cond (< x 1) {self.value()} (g (- x 1))))",
            "(defn r [x & more] (list x more))",
        ]
        lines += [self.statement() for _ in range(self.random.randrange(1, 7))]
        return "\n".join(lines)

    def atom(self) -> str:
        roll = self.random.random()
        if roll < 0.4:
            return self.pick(*_INTS[:8])
        if roll < 0.55:
            return self.pick(*_FLOATS)
        if roll < 0.75:
            return self.pick(*_TEXTS)
        return self.pick(*_OTHERS)

    def body(self, names: tuple[str, ...]) -> str:
        parts = [self.pick(*names), self.value()]
        return self.pick(
            f"(let [z {parts[0]}] (cond {self.test()} z {parts[1]}))",
            f"(begin (def w {parts[1]}) (list {parts[0]} w))",
            f"(+ {parts[0]} {self.number()})",
            f"(cond (== {names[0]} {names[-1]}) {parts[0]} {parts[1]})",
            "{ w := 1; w = w + 2; w * x }",
            f"(fn [z] (list z {parts[0]}))",
        )

    def number(self) -> str:
        self.depth += 1
        roll = self.random.random() + self.depth * 0.08
        try:
            if roll < 0.35:
                if self.random.random() < 0.2:
                    return f"({self.pick('mod', 'bitAnd', 'bitOr', 'bitXor', 'sll', 'sra', 'srl')} {self.whole()} {self.pick('1', '3', '7')})"
                return f"({self.pick('+', '-', '*', '+', '-', '*', '/', '**')} {self.number()} {self.number()})"
            if roll < 0.45:
                return "{" + f"{self.infix_number()} {self.pick('+', '-', '*', '/')} {self.infix_number()}" + "}"
            if roll < 0.5:
                return f"(cond {self.test()} {self.number()} {self.number()})"
            if roll < 0.55:
                return f"(len {self.pick('xs', 'l', 's', 'h', '%(1 2)', '[]')})"
            if roll < 0.6:
                return f"(let [t {self.number()}] (+ t {self.pick(*_NUMBERS)}))"
            if roll < 0.75:
                return self.pick(*_NUMBERS)
            return self.pick(*_INTS, *_FLOATS)
        finally:
            self.depth -= 1

    def whole(self) -> str:
        return self.pick("n", "i64", "7", "-3", "100", "(len xs)", "(+ n 1)")

    def infix_number(self) -> str:
        return self.pick("a", "b", "n", "2", "3", "1.5", "(len xs)", "{a + 1}", "(hget h %k)")

    def test(self) -> str:
        self.depth += 1
        roll = self.random.random() + self.depth * 0.08
        try:
            if roll < 0.4:
                return f"({self.pick(*_COMPARED)} {self.number()} {self.number()})"
            if roll < 0.5:
                return f"({self.pick('and', 'or')} {self.test()} {self.test()})"
            if roll < 0.6:
                return f"(not {self.test()})"
            if roll < 0.7:
                return f"({self.pick(*_ONE)} {self.pick(*_NAMES)})"
            if roll < 0.8:
                return f"({self.pick(*_COMPARED)} {self.pick('s', *_TEXTS)} {self.pick('s', *_TEXTS)})"
            if roll < 0.83:
                return f"({self.pick(*_COMPARED)} {self.value()} {self.value()})"
            return self.pick("true", "false", "q", "nil", "0", "n")
        finally:
            self.depth -= 1

    def value(self) -> str:
        self.depth += 1
        roll = self.random.random() + self.depth * 0.07
        try:
            if roll < 0.25:
                return self.number()
            if roll < 0.32:
                return self.test()
            if roll < 0.4:
                return f"(list {self.value()} {self.value()})"
            if roll < 0.46:
                return f"[{self.value()} {self.value()}]"
            if roll < 0.52:
                return f"({self.pick(*_ONE)} {self.value()})"
            if roll < 0.55:
                return f"({self.pick('len', 'rest', 'first', 'len')} {self.pick(*_SIZED)})"
            if roll < 0.6:
                return self.pick(
                    f"(concat s {self.pick(*_TEXTS)})",
                    f"(append xs {self.value()})",
                    "(concat xs [1])",
                    f"(cons {self.value()} l)",
                    "(map (fn [x] (list x x)) xs)",
                    "(map str l)",
                    "(slice s 0 0)",
                    '(split s " ")',
                    f'(sprintf "%v %d %s" {self.pick("a", "n")} 5 s)',
                    "(sym2str %z)",
                    "(rest xs)",
                    "(apply list xs)",
                )
            if roll < 0.64:
                return self.pick(
                    "(hget h %k)",
                    "(hget h %none 5)",
                    "(:j h)",
                    "(:none h 1)",
                    "(hget h 3)",
                    "(hpair h 0)",
                    "(hash k:1)",
                    f"(hash v:{self.number()})",
                    "(aget xs 0 9)",
                    f"(aget xs {self.pick('0', '1', '5')})",
                    "(keys h)",
                    "(str h)",
                )
            if roll < 0.7:
                return self.pick(
                    f"(f {self.value()} {self.number()})",
                    f"(g {self.pick('0', '1', '3')})",
                    f"(r {self.value()} {self.value()})",
                    f"((fn [z] (list z a)) {self.value()})",
                    "(r 1)",
                    f"(f {self.value()})",
                )
            if roll < 0.76:
                return f"(let [z {self.value()} y {self.pick(*_NAMES)}] (list z y))"
            if roll < 0.8:
                return f"(letseq [z {self.number()} y (+ z 1)] (list z y))"
            if roll < 0.84:
                return self.pick('%(1 b "c")', "^(1 ~a ~@l)", "^[~n 2]", "%[a b]", "(quote x)")
            return self.pick(*_NAMES) if roll < 0.95 else self.atom()
        finally:
            self.depth -= 1

    def assignment(self, word: str) -> str:
        """Of a kind that the name has already, mostly: the rest of the program counts on it."""
        return self.pick(
            f"({word} {self.pick(*_NUMBERS)} {self.number()})",
            f"({word} n {self.whole()})",
            f"({word} s (concat s {self.pick(*_TEXTS)}))",
            f"({word} xs [{self.number()} {self.number()}])",
            f"({word} l (cons {self.value()} l))",
            f"(set q {self.value()})",
        )

    def statement(self) -> str:
        self.depth += 1
        try:
            roll = self.random.random()
            if roll < 0.2 or self.depth > 3:
                return self.assignment("set")
            if roll < 0.3:
                return self.assignment("def") if self.random.random() < 0.7 else f"(def fresh {self.value()})"
            if roll < 0.42:
                return f"(cond {self.test()} {self.statement()} {self.statement()})"
            if roll < 0.54:
                inside = self.pick("", f"(cond {self.test()} (break) nil)", f"(cond {self.test()} (continue) nil)")
                return f"(for [(def i 0) (< i {self.pick('1', '3')}) (def i (+ i 1))] {inside} {self.statement()} (set n (+ n i)))"
            if roll < 0.62:
                return (
                    f"(range k v {self.pick('[1 2 3]', '(hash p:1 r:2)', '[4 5]')} (set n (+ n v)) {self.statement()})"
                )
            if roll < 0.7:
                return self.pick(
                    "(++ n)",
                    "(+= n 2)",
                    "(-- n)",
                    "(hset h %new a)",
                    "(aset xs 0 n)",
                    "(mdef m1 m2 (list 1 2))",
                )
            if roll < 0.78:
                return (
                    "{"
                    + self.pick(
                        "n = n + 1; n = n * 2",
                        "if a < 3 { n = 1 } else { n = 2 }",
                        "n++",
                        "for i := 0; i < 3; i++ { n += i }",
                        "fresh = a; n = 3",
                    )
                    + "}"
                )
            if roll < 0.84:
                return f"(let [z {self.value()}] {self.statement()} (set n 4))"
            if roll < 0.9:
                return f"(newScope (def a {self.value()}) {self.statement()})"
            if roll < 0.95:
                return f"(begin {self.statement()} {self.statement()})"
            return f"(defn f [x y] {self.body(('x', 'y'))})"
        finally:
            self.depth -= 1


OUTCOME = "(list a b n s xs l q (len h))"
"""The properties that a program is looked at for."""
