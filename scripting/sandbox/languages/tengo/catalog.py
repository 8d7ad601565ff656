"""Builtins and modules of Tengo, with the kinds of value that each gives. Data only.

The same table serves the lowering (which kinds may come out), the completion data and the refusal of unknown modules.
"""

from __future__ import annotations

UNDEFINED, BOOL, INT, FLOAT, STRING, ARRAY, MAP, CHAR, TIME, OTHER, SLICE = (1 << bit for bit in range(11))
ANY = (1 << 11) - 1
NUMBER = INT | FLOAT
_TEXT_OR_ERROR = STRING | OTHER

BUILTINS: dict[str, tuple[str, int, bool]] = {
    # name: (signature, kinds of the result, pure)
    "len": ("len(value) -> int", INT, True),
    "copy": ("copy(value) -> value", ANY, True),
    "append": ("append(array, item, ...) -> array", ARRAY | SLICE, False),
    "delete": ("delete(map, key)", UNDEFINED, False),
    "splice": ("splice(array, start, count, item, ...) -> array", ARRAY, False),
    "string": ("string(value, default) -> string", ANY, True),
    "int": ("int(value, default) -> int", ANY, True),
    "bool": ("bool(value) -> bool", BOOL, True),
    "float": ("float(value, default) -> float", ANY, True),
    "char": ("char(value, default) -> char", ANY, True),
    "bytes": ("bytes(value, default) -> bytes", ANY, True),
    "time": ("time(value, default) -> time", ANY, True),
    **{
        f"is_{kind}": (f"is_{kind}(value) -> bool", BOOL, True)
        for kind in (
            "int float string bool char bytes array immutable_array map immutable_map iterable time error undefined "
            "function callable"
        ).split()
    },
    "type_name": ("type_name(value) -> string", STRING, True),
    "format": ("format(pattern, value, ...) -> string", STRING, True),
    "range": ("range(start, stop, step) -> array of int", ARRAY, True),
    "freeze": ("freeze(value) -> immutable value", ANY, True),
}

_FLOATS = """
    abs acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh dim erf erfc exp exp2 expm1 floor gamma hypot inf j0
    j1 jn ldexp log log10 log1p log2 logb max min mod nan nextafter pow pow10 remainder sin sinh sqrt tan tanh trunc y0 y1 yn
"""
_STRINGS = """
    join repeat replace substr title to_lower to_title to_upper pad_left pad_right trim trim_left trim_prefix trim_right
    trim_space trim_suffix format_bool format_float format_int itoa quote
"""
_TIME_INTS = "year month day weekday hour minute second nanosecond unix unix_nano"

MODULES: dict[str, dict[str, int]] = {
    "fmt": {"print": UNDEFINED, "printf": UNDEFINED, "println": UNDEFINED, "sprintf": STRING},
    "text": {
        **dict.fromkeys(_STRINGS.split(), STRING),
        **dict.fromkeys("contains contains_any equal_fold has_prefix has_suffix re_match parse_bool".split(), BOOL),
        **dict.fromkeys("compare count index index_any last_index last_index_any parse_int".split(), INT),
        **dict.fromkeys("fields split split_after split_after_n split_n re_split".split(), ARRAY),
        "parse_float": FLOAT,
        "re_find": ARRAY | UNDEFINED,
        "re_replace": STRING,
        "re_compile": OTHER,
        "atoi": INT | OTHER,
        "unquote": _TEXT_OR_ERROR,
    },
    "math": {
        **dict.fromkeys(_FLOATS.split(), FLOAT),
        **dict.fromkeys("is_inf is_nan signbit".split(), BOOL),
        "ilogb": INT,
    },
    "times": {
        **dict.fromkeys("since until duration_nanoseconds sub parse_duration".split(), INT),
        **dict.fromkeys([f"time_{part}" for part in _TIME_INTS.split()], INT),
        **dict.fromkeys("duration_hours duration_minutes duration_seconds".split(), FLOAT),
        **dict.fromkeys("duration_string month_string time_format time_location time_string".split(), STRING),
        **dict.fromkeys("after before is_zero".split(), BOOL),
        **dict.fromkeys("date now parse unix add add_date to_local to_utc in_location".split(), TIME),
        "sleep": UNDEFINED,
    },
    "rand": {
        **dict.fromkeys("int intn read".split(), INT),
        **dict.fromkeys("float exp_float norm_float".split(), FLOAT),
        "perm": ARRAY,
        "seed": UNDEFINED,
        "rand": OTHER,
    },
    "json": dict.fromkeys("decode encode indent html_escape".split(), ANY),
    "base64": dict.fromkeys(
        "encode decode raw_encode raw_decode url_encode url_decode raw_url_encode raw_url_decode".split(), ANY
    ),
    "hex": {"encode": STRING, "decode": ANY},
    "enum": dict.fromkeys("all any chunk at each filter find find_key map key value".split(), ANY),
}
"""Module to its functions, each with the kinds of what it gives."""

_WIDTHS = ("", "8", "16", "32", "64")
_MONTHS = "january february march april may june july august september october november december"
_UNITS = "nanosecond microsecond millisecond second minute hour"
_LAYOUTS = """
    ansic unix_date ruby_date rfc822 rfc822z rfc850 rfc1123 rfc1123z rfc3339 rfc3339_nano kitchen stamp stamp_milli stamp_micro
    stamp_nano
"""

CONSTANTS: dict[str, dict[str, int]] = {
    "math": {
        **dict.fromkeys("e pi phi sqrt2 sqrtE sqrtPi sqrtPhi ln2 log2E ln10 log10E".split(), FLOAT),
        **dict.fromkeys("maxFloat32 smallestNonzeroFloat32 maxFloat64 smallestNonzeroFloat64".split(), FLOAT),
        **{f"{end}Int{width}": INT for end in ("max", "min") for width in _WIDTHS},
    },
    "times": {
        **dict.fromkeys([*_MONTHS.split(), *_UNITS.split()], INT),
        **{f"format_{name}": STRING for name in _LAYOUTS.split()},
    },
}
"""Module to its constants, each with its kind."""

PURE_MODULES = frozenset({"text", "math", "json", "base64", "hex", "times"})
"""Modules whose functions change nothing and draw nothing: what calls them may be evaluated twice."""

REFUSED_MODULES = {
    "os": "scripts have no files, processes or environment; take the data from the context",
}

HOST_RESULTS = {"log": UNDEFINED, "rand": FLOAT, "timestamp": INT, "now": TIME, "get_context": MAP}
"""Kinds of value that the functions of every script give."""
