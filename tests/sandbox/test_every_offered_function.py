"""Every function of every offered package is called in a real sandbox, where nothing can be imported any more."""

from __future__ import annotations

import re

import pytest

from scripting.sandbox.library.packages import PACKAGES, offered_names
from scripting.supervisor.pool import SandboxPool
from tests.support.sandboxes import outcome_of, value_of

CALLS: dict[str, str] = {
    "abc": """
class Unit(abc.ABC):
    @abc.abstractmethod
    def go(self): ...
try:
    Unit()
except TypeError as error:
    result = str(error)
""",
    "bisect": """
values = [1, 3]
bisect.insort(values, 2), bisect.insort_left(values, 0), bisect.insort_right(values, 4)
bisect.bisect(values, 2), bisect.bisect_left(values, 2), bisect.bisect_right(values, 2)
""",
    "calendar": """
calendar.isleap(2024), calendar.leapdays(2000, 2024), calendar.monthrange(2024, 2), calendar.weekday(2024, 2, 29)
calendar.timegm((1970, 1, 1, 0, 0, 0)), calendar.month(2024, 2), calendar.monthcalendar(2024, 2)
""",
    "collections": """
count = collections.Counter("aab")
count.most_common(), count.most_common(1), list(count.elements()), count + count, count.subtract("a"), count.total()
collections.ChainMap({}, {}).new_child(), collections.OrderedDict(a=1).move_to_end("a"), collections.defaultdict(int)["a"]
collections.deque([1, 2], 2).rotate(1), collections.namedtuple("Point", "x y", defaults=(1,))(1)._replace(x=2)._asdict()
""",
    "collections.abc": """
from collections.abc import *NAMES*
class Deck(Sequence):
    def __len__(self): return 2
    def __getitem__(self, index):
        if index > 1: raise IndexError
        return index
deck = Deck()
deck.index(1), deck.count(1), list(reversed(deck)), 1 in deck, isinstance([], MutableSequence), isinstance(deck, Iterable)
class Box(MutableMapping):
    def __init__(self): self.kept = {}
    def __len__(self): return len(self.kept)
    def __iter__(self): return iter(self.kept)
    def __getitem__(self, key): return self.kept[key]
    def __setitem__(self, key, value): self.kept[key] = value
    def __delitem__(self, key): del self.kept[key]
box = Box()
box.update(a=1), box.setdefault("b", 2), box.get("c"), list(box.items()), list(box.keys()), list(box.values()), box.pop("a")
box.popitem(), box.clear(), box == {}
""",
    "contextlib": """
@contextlib.contextmanager
def held():
    yield 1
def nothing(*_): pass
with held(), contextlib.suppress(KeyError), contextlib.nullcontext(1), contextlib.ExitStack() as stack:
    stack.enter_context(held()), stack.callback(print), stack.push(nothing), stack.pop_all().close()
class Door(contextlib.ContextDecorator):
    def __enter__(self): return self
    def __exit__(self, *_): return False
    def close(self): pass
@Door()
def through(): return 1
through()
with contextlib.closing(Door()):
    pass
isinstance(Door(), contextlib.AbstractContextManager)
""",
    "copy": "copy.copy([1]), copy.deepcopy({'a': [1, {2}]})",
    "dataclasses": """
from dataclasses import dataclass, field
@dataclass(order=True, frozen=True)
class Unit:
    name: str
    hits: list = field(default_factory=list, compare=False)
@dataclass(slots=True)
class Tank(Unit if False else object_free()):
    size: int = 1
    def __post_init__(self): self.size += 1
unit = Unit("a", [1])
repr(unit), unit < Unit("b"), {unit}, dataclasses.asdict(unit), dataclasses.astuple(unit), dataclasses.replace(unit, name="c")
[f.name for f in dataclasses.fields(unit)], dataclasses.is_dataclass(unit), Tank().size
try:
    unit.name = "z"
except dataclasses.FrozenInstanceError:
    pass
""".replace("(Unit if False else object_free())", ""),
    "datetime": """
from datetime import date, datetime, time, timedelta, timezone, UTC
datetime.strptime("2024-02-29 10", "%Y-%m-%d %H").strftime("%A %B %c"), date.fromisoformat("2024-02-29").isocalendar()
datetime.now(UTC).astimezone(timezone(timedelta(hours=2))).isoformat(), datetime.combine(date.today(), time(1)), datetime.utcnow()
f"{datetime.now():%x %X %Z}", date.today().timetuple(), datetime.fromtimestamp(0, UTC), str(timedelta(1) / 3), date.max, date.min
""",
    "decimal": """
from decimal import Decimal, getcontext, localcontext, setcontext, Context
getcontext().prec = 6
with localcontext() as context:
    context.prec = 3
    str(Decimal(1) / Decimal(3)), round(Decimal("1.25"), 1), f"{Decimal('1234.5'):,.2f}", Decimal("2").sqrt(), Decimal(2).ln()
Decimal(0.1).quantize(Decimal("0.01"), rounding=decimal.ROUND_HALF_UP), Decimal("1.1").as_tuple(), Decimal("1.5").as_integer_ratio()
setcontext(Context(prec=4)), int(Decimal("3")), Decimal(1).compare(Decimal(2)), Decimal("NaN").is_nan(), hash_free(Decimal(1))
""".replace(", hash_free(Decimal(1))", ""),
    "enum": """
from enum import Enum, IntEnum, StrEnum, Flag, IntFlag, auto, unique
@unique
class Colour(Enum):
    RED = 1
    GREEN = auto()
    def shown(self): return self.name.lower()
class Level(IntEnum):
    LOW = 1
    HIGH = 2
class Word(StrEnum):
    A = auto()
class Right(Flag):
    READ = auto()
    WRITE = auto()
class Bits(IntFlag):
    A = 1
    B = 2
made = Enum("Made", "ONE TWO")
repr(Colour.RED), str(Level.LOW), Colour(1), Colour["GREEN"].shown(), list(Colour), Level.LOW < Level.HIGH, Word.A + "b"
Right.READ | Right.WRITE, list(Right.READ | Right.WRITE), ~Right.READ, Bits.A | 2, made.ONE.value, isinstance(Level.LOW, Enum)
str(Bits.A | 2), Right(3), Right.READ in Right.READ | Right.WRITE, type(Colour.RED) is Colour, {Colour.RED: 1}
result = [repr(Colour.RED), str(Colour.GREEN), str(Level.HIGH), f"{Level.HIGH}", Word.A.value, str(Word.A), str(Right.READ), Level.HIGH + 1]
""",
    "fractions": """
from fractions import Fraction
Fraction(1, 3) + Fraction("0.25"), Fraction(0.5).limit_denominator(10), str(Fraction(1, 3)), round(Fraction(7, 3), 1)
float(Fraction(1, 3)), Fraction.from_float(0.5), Fraction.from_decimal, Fraction(1, 2) ** 2, {Fraction(1, 2)}, Fraction(7, 2) // 1
""",
    "functools": """
@functools.lru_cache(maxsize=3)
def one(value): return value
@functools.cache
def two(value): return value
@functools.total_ordering
class Unit:
    @functools.cached_property
    def size(self): return 1
    def __eq__(self, other): return True
    def __lt__(self, other): return False
@functools.wraps(one)
def three(): return 1
one(1), one.cache_info(), one.cache_clear(), two(1), Unit().size, Unit() >= Unit(), three()
functools.reduce(lambda a, b: a + b, [1, 2]), functools.partial(max, 1)(2), sorted([2, 1], key=functools.cmp_to_key(lambda a, b: a - b))
""",
    "hashlib": "result = [getattr(hashlib, name)(b'a').hexdigest(*([4] if 'shake' in name else [])) for name in NAMES]",
    "heapq": """
heap = [3, 1, 2]
heapq.heapify(heap), heapq.heappush(heap, 0), heapq.heappop(heap), heapq.heappushpop(heap, 5), heapq.heapreplace(heap, 4)
list(heapq.merge([1], [2], key=lambda x: x, reverse=True)), heapq.nlargest(2, heap), heapq.nsmallest(2, heap, key=lambda x: -x)
""",
    "itertools": """
calls = {
    "count": (1,), "cycle": ("ab",), "repeat": (1, 2), "accumulate": ([1, 2],), "chain": ([1], [2]), "compress": ("ab", [1, 0]),
    "dropwhile": (bool, [1]), "takewhile": (bool, [1]), "filterfalse": (bool, [0]), "groupby": ("aab",), "islice": ("abc", 2),
    "pairwise": ("abc",), "starmap": (max, [(1, 2)]), "tee": ("ab",), "zip_longest": ("a", "bc"), "product": ("ab", "cd"),
    "permutations": ("ab",), "combinations": ("ab", 2), "combinations_with_replacement": ("ab", 2), "batched": ("abc", 2),
}
for name in NAMES:
    made = getattr(itertools, name)(*calls[name])
    for first, _ in zip(made, range(5)):
        pass
list(itertools.chain.from_iterable(["ab"]))
""",
    "json": """
json.loads('{"a": [1, 2.5, null, "\\\\u00e9"]}'), json.dumps({"a": [1.5, None]}, indent=2, sort_keys=True, ensure_ascii=False)
try:
    json.loads("{")
except json.JSONDecodeError as error:
    result = error.pos
""",
    "math": """
two = {"atan2", "comb", "copysign", "dist", "fmod", "gcd", "isclose", "lcm", "ldexp", "log", "nextafter", "perm", "pow", "remainder",
    "sumprod"}
for name in NAMES:
    function = getattr(math, name)
    if not callable(function):
        continue
    if name in {"acosh", "atanh"}:
        function({"acosh": 2, "atanh": 0}[name])
        continue
    if name in {"fsum", "prod"}:
        function([1, 2])
    elif name in {"dist", "sumprod"}:
        function([1], [2])
    elif name == "fma":
        function(1.0, 2.0, 3.0)
    elif name in two:
        function(2, 2)
    else:
        function(1)
""",
    "operator": """
lists = {"concat": ([1], [2]), "iconcat": ([1], [2]), "contains": ([1], 1), "countOf": ([1], 1), "indexOf": ([1], 1), "delitem": ([1], 0),
    "getitem": ([1], 0), "setitem": ([1], 0, 2), "itemgetter": (0,), "attrgetter": ("real",), "methodcaller": ("upper",)}
one = {"abs", "index", "inv", "invert", "neg", "not_", "pos", "truth"}
class Square:
    def __matmul__(self, other): return 1
    __imatmul__ = __matmul__
for name in NAMES:
    function = getattr(operator, name)
    if name in lists:
        function(*lists[name])
    elif "matmul" in name:
        function(Square(), 1)
    elif name in one:
        function(1)
    else:
        function(2, 1)
result = [operator.itemgetter(0, 1)("ab"), operator.attrgetter("real.imag", "real")(1), operator.methodcaller("replace", "a", "b")("a")]
""",
    "random": """
random.seed(1), random.Random(2).random(), random.random(), random.uniform(1, 2), random.triangular(), random.randint(1, 2)
random.choice("ab"), random.choices("ab", [1, 2], k=2), random.sample("ab", 1), random.sample([1, 2], 2, counts=[1, 1]), random.shuffle([1, 2])
random.randrange(3), random.getrandbits(3), random.randbytes(3), random.gauss(0, 1), random.normalvariate(0, 1), random.lognormvariate(0, 1)
random.expovariate(1), random.vonmisesvariate(0, 1), random.gammavariate(1, 1), random.betavariate(1, 1), random.paretovariate(1)
random.weibullvariate(1, 1)
if "binomialvariate" in NAMES:
    random.binomialvariate(5, 0.5)
""",
    "re": r"""
pattern = re.compile(r"(?P<a>\w)(\d)?", re.I | re.M | re.S | re.X)
re.sub("a", r"\g<0>b", "a"), re.subn("a", lambda m: m.group(), "a"), re.split(",", "a,b"), re.findall("a", "aa"), list(re.finditer("a", "a"))
re.match("a", "a").groupdict(), re.search("a", "ba").span(), re.fullmatch("a", "a").expand(r"\g<0>"), re.escape("a.b"), pattern.match("a1").groups()
try:
    re.compile("(")
except re.error as error:
    result = error.msg
""",
    "statistics": """
from statistics import NormalDist
data, other = [1, 1, 2, 4.5], [2, 3, 5, 9]
statistics.mode(data), statistics.multimode(data), statistics.median(data), statistics.median_low(data), statistics.median_high(data)
statistics.median_grouped(data), statistics.mean(data), statistics.fmean(data), statistics.geometric_mean(data), statistics.harmonic_mean(data)
statistics.stdev(data), statistics.pstdev(data), statistics.variance(data), statistics.pvariance(data), statistics.quantiles(data)
statistics.correlation(data, other), statistics.covariance(data, other), statistics.linear_regression(data, other)
normal = NormalDist.from_samples(data)
normal.samples(2), normal.pdf(1), normal.cdf(1), normal.inv_cdf(0.5), normal.overlap(NormalDist()), normal.quantiles(), normal.zscore(1)
try:
    statistics.mean([])
except statistics.StatisticsError:
    pass
""",
    "string": """
string.capwords("a b"), string.Template("$a ${b} $$").substitute(a=1, b=2), string.Template("$a $b").safe_substitute({"a": 1})
string.Template("$a").is_valid(), string.Template("$a").get_identifiers()
""",
    "textwrap": """
textwrap.wrap("a b c", 3), textwrap.fill("a b", 2), textwrap.shorten("a b c", 3, placeholder=""), textwrap.dedent("  a"), textwrap.indent("a", " ")
""",
    "time": """
time.time(), time.time_ns(), time.gmtime(), time.localtime(0), time.mktime(time.gmtime(5)), time.strftime("%A %c %Z"), time.asctime()
time.strptime("2024-02-29", "%Y-%m-%d"), time.ctime(), time.struct_time(range(9))
""",
    "types": "space = types.SimpleNamespace(a=1)\nspace.b = 2\nresult = [repr(space), space == types.SimpleNamespace(a=1, b=2)]",
    "typing": """
from typing import *NAMES*
T = TypeVar("T")
def f(a: Optional[int], b: List[str] = [], *c: Union[int, str], d: Callable[[int], str] | None = None, e: "Any" = None) -> Dict[str, T]: return {}
class Stack(Generic[T]):
    items: ClassVar[list[T]] = []
class Ints(List[int]): pass
f(1), Stack(), Ints([1]), isinstance([], List), cast(int, "a"), NewType("Id", int)(3), Literal["a"], Tuple[int, ...], final(f), override(f)
""",
    "uuid": """
uuid.uuid4(), uuid.uuid3(uuid.NAMESPACE_DNS, "a"), uuid.UUID("12345678123456781234567812345678").hex, uuid.UUID(int=5).bytes
result = str(uuid.uuid5(uuid.NAMESPACE_DNS, "python.org"))
""",
}  # fmt: skip
"""Package to a script that calls what it offers; NAMES is the list of what it offers on this interpreter."""

GIVE = {
    "abc": "Can't instantiate abstract class Unit with abstract method go",
    "enum": ["<Colour.RED: 1>", "Colour.GREEN", "2", "2", "a", "a", "Right.READ", 3],
    "types": ["namespace(a=1, b=2)", True],
    "uuid": "886313e1-3b8a-5372-9b90-0c9aee199e5d",
}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_function_of_a_package_can_be_called_in_a_sandbox(pool: SandboxPool, package: str) -> None:
    names = sorted(offered_names(package))
    text = CALLS[package].replace("*NAMES*", ", ".join(names))
    text = re.sub(r"\bNAMES\b", repr(names), text)
    given = value_of(outcome_of(pool, f"import {package}\nresult = 0\n{text}"))
    if isinstance(GIVE.get(package), str):
        assert given[:30] == GIVE[package][:30]
    elif package in GIVE:
        assert given == GIVE[package]


@pytest.mark.parametrize("package", sorted(set(PACKAGES) - {"itertools", "math", "operator", "hashlib"}))
def test_the_scripts_above_leave_no_function_out(package: str) -> None:
    """Those that are left out here go through all names by themselves."""
    if "*NAMES*" in CALLS[package]:
        return
    functions = {name for name in offered_names(package) if callable(vars(PACKAGES[package])[name])}
    without = {name for name in functions if name not in CALLS[package]}
    ours = {name for name in without if isinstance(vars(PACKAGES[package])[name], type)}  # classes: signals, results
    assert without - ours == set()
