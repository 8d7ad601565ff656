# expect: ["3.14", "  7", "Ann has 3", "Ann: 3", "1 2", "0x1f", "a=1", "3", "1,000", "50%", "Ann", "'q'", "007", "x  |", "3.50", "1", "abc", "{}", "k=v"]
import math

name, count = "Ann", 3


class Unit:
    def __init__(self):
        self.name = "Ann"


width = 3
result = [
    f"{math.pi:.2f}", f"{7:{width}}", "%s has %d" % (name, count), "{}: {}".format(name, count), "{0} {b}".format(1, b=2),
    hex(31), f"{'a'}={1}", str(count), f"{1000:,}", f"{0.5:.0%}", "{0.name}".format(Unit()), f"{'q'!r}", "{:03d}".format(7),
    "{:3}|".format("x"), format(3.5, ".2f"), "{x[0]}".format(x=[1]), "".join(["a", "b", "c"]), "{{}}".format(), "{k}={v}".format_map({"k": "k", "v": "v"}),
]
