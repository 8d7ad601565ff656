"""Built-in names of Zygomys: signatures for editors, kinds of results for the lowering, and refused names. Data only."""

from __future__ import annotations

INT, FLOAT, BOOL, STRING, ARRAY, HASH, NIL, OTHER = (1 << bit for bit in range(8))
ANY = (1 << 8) - 1
NUMBER = INT | FLOAT | OTHER

BUILTINS: dict[str, tuple[str, int]] = {
    # name: (signature, kinds of the result)
    "+": ("(+ a b …)", NUMBER),
    "-": ("(- a b …)", NUMBER),
    "*": ("(* a b …)", ANY),
    "/": ("(/ a b …): a float unless it divides evenly", NUMBER),
    "**": ("(** a b)", NUMBER),
    "mod": ("(mod a b)", INT | OTHER),
    "sll": ("(sll a count)", INT | OTHER),
    "sra": ("(sra a count)", INT | OTHER),
    "srl": ("(srl a count)", INT | OTHER),
    "bitAnd": ("(bitAnd a b)", INT | OTHER),
    "bitOr": ("(bitOr a b)", INT | OTHER),
    "bitXor": ("(bitXor a b)", INT | OTHER),
    "bitNot": ("(bitNot a)", INT | OTHER),
    "asUint64": ("(asUint64 number)", OTHER),
    **{sign: (f"({sign} a b) -> bool", BOOL) for sign in ("<", ">", "<=", ">=", "==", "!=")},
    "isnan": ("(isnan x) -> bool", BOOL),
    "isNaN": ("(isNaN x) -> bool", BOOL),
    "not": ("(not x) -> bool", BOOL),
    **{
        f"{kind}?": (f"({kind}? x) -> bool", BOOL)
        for kind in "list null array hash number int float char symbol string zero empty func defined".split()
    },
    "type?": ("(type? x) -> string", STRING),
    "cons": ("(cons head tail)", OTHER),
    "list": ("(list item …)", OTHER | NIL),
    "array": ("(array item …) -> array", ARRAY),
    "makeArray": ("(makeArray size fill) -> array", ARRAY),
    "first": ("(first sequence)", ANY),
    "second": ("(second sequence)", ANY),
    "rest": ("(rest sequence)", ANY),
    "car": ("(car sequence)", ANY),
    "cdr": ("(cdr sequence)", ANY),
    "len": ("(len sequence) -> int", INT),
    "append": ("(append array item)", ARRAY | STRING),
    "appendslice": ("(appendslice array array)", ARRAY | STRING),
    "concat": ("(concat a b …)", ANY),
    "slice": ("(slice sequence start end)", ARRAY | STRING),
    "aget": ("(aget array index default)", ANY),
    "aset": ("(aset array index value)", NIL),
    "sget": ("(sget string index) -> char", OTHER),
    "apply": ("(apply function arguments)", ANY),
    "map": ("(map function sequence)", ANY),
    "flatten": ("(flatten value …) -> array", ARRAY),
    "quotelist": ("(quotelist list)", OTHER),
    "hash": ("(hash key: value …)", HASH),
    "hget": ("(hget hash key default)", ANY),
    "hset": ("(hset hash key value)", NIL),
    "hdel": ("(hdel hash key)", NIL),
    "keys": ("(keys hash) -> array", ARRAY),
    "hpair": ("(hpair hash index) -> list", OTHER),
    "->": ("(-> hash field: field: …)", ANY),
    "arrayidx": ("(arrayidx array [index])", ANY),
    "hashidx": ("(hashidx hash key)", ANY),
    "str": ("(str value) -> string", STRING),
    "println": ("(println value): a line of the log", NIL),
    "print": ("(print value): a line of the log", NIL),
    "printf": ("(printf pattern value …): a line of the log", NIL),
    "sprintf": ("(sprintf pattern value …) -> string", STRING),
    "chomp": ("(chomp string) -> string", STRING),
    "trim": ("(trim string) -> string", STRING),
    "split": ("(split string separator) -> array", ARRAY),
    "nsplit": ("(nsplit string) -> array", ARRAY),
    "sym2str": ("(sym2str symbol) -> string", STRING),
    "str2sym": ("(str2sym string) -> symbol", OTHER),
    "joinsym": ("(joinsym symbol …) -> symbol", OTHER | NIL),
    "gensym": ("(gensym prefix) -> symbol", OTHER),
    "symnum": ("(symnum symbol) -> int", INT),
    "raw": ("(raw string …) -> raw", OTHER),
    "raw2str": ("(raw2str raw) -> string", STRING),
    "base64": ("(base64 raw) -> raw", OTHER),
    "unbase64": ("(unbase64 string) -> raw", OTHER),
    "flipbase64": ("(flipbase64 raw) -> raw", OTHER),
    "isbase64": ("(isbase64 raw) -> bool", BOOL),
    "copyraw": ("(copyraw raw) -> raw", OTHER),
    "json": ("(json value) -> raw", OTHER),
    "json2": ("(json2 value) -> string", STRING),
    "unjson": ("(unjson raw)", ANY),
    "msgpack": ("(msgpack value) -> raw", OTHER),
    "unmsgpack": ("(unmsgpack raw)", ANY),
    "msgmap": ("(msgmap name list)", ANY),
    "read": ("(read string)", ANY),
    "force": ("(force argument)", ANY),
    "substitute": ("(substitute argument)", ANY),
    "stop": ("(stop message): ends the run with an error", NIL),
    "field": ("(field name: type …)", OTHER),
    "&": ("(& value): a pointer to it", OTHER),
    "deref": ("(deref pointer)", ANY),
    "derefSet": ("(derefSet pointer value)", ANY),
    "GOOS": ("(GOOS) -> string", STRING),
    "=": ("(name = value)", ANY),
    ":=": ("(name := value)", ANY),
}
"""Names that no script may define anew."""

PREDEFINED: dict[str, tuple[str, int]] = {
    "eval": ("(eval form)", ANY),
    "now": ("(now): the moment of the run", OTHER),
    "millis": ("(millis) -> int", INT),
    "astm": ("(astm value): a time", OTHER),
    "date": ('(date "2026/12/31")', OTHER),
    "dur": ('(dur "1h30m")', OTHER),
    "nextBusinessDay": ("(nextBusinessDay date)", OTHER),
    "timeit": ("(timeit function count)", NIL),
    "random": ("(random) -> float: from the seed of the run", FLOAT),
    "regexpCompile": ("(regexpCompile string)", OTHER),
    "regexpFind": ("(regexpFind pattern string) -> string", STRING),
    "regexpFindIndex": ("(regexpFindIndex pattern string) -> array", ARRAY),
    "regexpMatch": ("(regexpMatch pattern string) -> bool", BOOL),
    "sliceOf": ("(sliceOf type)", OTHER),
    "ptr": ("(ptr type)", OTHER),
    "null": ("null", NIL),
    "nil": ("nil", NIL),
    **{
        name: (name, OTHER)
        for name in (
            "int int8 int16 int32 int64 uint8 uint16 uint32 uint64 byte rune float32 float64 string bool error symbol".split()
        )
    },
}
"""Names that a script may define anew."""

FORMS: dict[str, str] = {
    "def": "(def name value)",
    "defn": "(defn name [parameters] body …)",
    "fn": "(fn [parameters] body …)",
    "let": "(let [name value …] body …): the values do not see each other",
    "letseq": "(letseq [name value …] body …): each value sees those before it",
    "set": "(set name value): the nearest variable of this name",
    "mdef": "(mdef a b c list)",
    "cond": "(cond test value … default)",
    "and": "(and a b …)",
    "or": "(or a b …)",
    "begin": "(begin form …)",
    "newScope": "(newScope form …)",
    "for": "(for label: [init test step] body …)",
    "range": "(range key value hash_or_array body …)",
    "break": "(break label:)",
    "continue": "(continue label:)",
    "quote": "%form",
    "syntaxQuote": "^form, with ~value and ~@list inside",
    "defmac": "(defmac name [parameters] body …)",
    "macexpand": "(macexpand (macro …))",
    "defmap": "(defmap name): (name key: value …) then makes its records",
    "struct": "(struct Name [(field Name: type) …])",
    "func": "(func name [a:type …] [result:type …] body …)",
    "method": "(method [p: (* Struct)] name [inputs] [results] body …)",
    "interface": "(interface Name [(func …) …])",
    "var": "(var name type)",
    "assert": "(assert test)",
    "return": "(return value): the value itself; nothing is left early",
    "package": '(package "name" form …)',
    "import": '(import name "shared/helper")',
    "expectError": '(expectError "message" form)',
    "infix": "{a + b}",
    "infixExpand": "(infixExpand {a + b})",
    "++": "(++ name)",
    "--": "(-- name)",
    "+=": "(+= name value)",
    "-=": "(-= name value)",
    "comma": "{a, b = 1, 2}",
}

_SYSTEM = "scripts reach no files, processes or environment; take the data from the context"
_GO = "there is no Go to look into here"
_CONCURRENT = "a run is one thread; publish follow-up events instead"
REFUSED: dict[str, str] = {
    **dict.fromkeys(
        "system sys source slurpf writef owritef save bload bsave greenpack exit getenv setenv".split(), _SYSTEM
    ),
    "include": 'write (import name "shared/helper") for a helper script',
    "req": 'write (import name "shared/helper") for a helper script',
    **dict.fromkeys("makeChan send <!".split(), _CONCURRENT),
    **dict.fromkeys(
        "togo fromgo dump methodls _method registerDemoFunctions fieldls typelist gob _closdump _ls rmsym".split(), _GO
    ),
    "echo": "println writes to the log, nothing else does",
    "pretty": "the log shows a value on one line",
    "msgpack-map": "write (defmap name)",
    "declare-msgpack-map": "write (defmap name)",
}
"""Names of the original that scripts here do not have, each with what to do instead."""

RESERVED = frozenset(
    "byte defbuild builder field and or cond quote def mdef fn defn begin let letseq assert defmac macexpand syntaxQuote include for"
    " set break continue newScope _ls int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128 bool"
    " string any case chan const default else defer fallthrough func go goto if import interface map package range return select"
    " struct switch type var append cap close complex copy delete imag len make new panic print println real recover null nil - +"
    " -- ++ -= += := = > < >= <= send NaN nan".split()
)
MACROS = frozenset("range ++ -- += -= defmap req msgpack-map".split())
"""Macros that every script has."""
