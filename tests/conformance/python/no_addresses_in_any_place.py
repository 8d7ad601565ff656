# expect: []
from __future__ import annotations


def f():
    pass


def parts():
    yield str(f)
    yield f"{f}{len}"
    yield "a" + str(f) + f"{f} {f!r}"


class Sly(str):
    """Text of the script's own, whose look for parts goes on in the generator that made it."""

    def __contains__(self, part):
        shown.append(next(going))
        return False


class Shy:
    def __str__(self):
        return Sly("shy")

    def __format__(self, spec):
        return Sly("shy")


class Place:
    a: f"{f}{f}" = str(f)
    b = f"{f}, {f}"
    c = [f"{f}{x}" for x in str(f)]
    d = lambda self: f"{f}, {str(f)}"

    def __init__(self, first: f"{f}{f}" = f"{f}{f}", *rest: f"{f}{f}") -> f"{f}{f}":
        self.e: f"{f}{f}" = f"{f}, {f}"
        self.g = first

    def all(self):
        return [self.a, self.b, *self.c, self.d(), self.e, self.g]


def inside(g=f"{f}{f}", *, h=str(f)):
    local: f"{f}{f}" = str(f)
    found = [local, g, h, f"{f} {f:{len(str(3))}}" if False else str(str(f)), (lambda: f"{f}{f}")(), str(f)[:40]]
    found += [f"{f}{i}" for i in str(f)]
    found += {f"{f}{i}": str(f) for i in str(f)}.values()
    found += (str(f) for _ in [f"{f}{f}" for _ in (lambda: str(f))()])
    found.append(f"{str(f)}{f'{f}{f}'}{str([f, str(f)])}")
    template, made = "%s", b"%r"
    found += [template % f, (made % f).decode(), str(template % (f,))]
    for found[0] in [str(f)]:
        with_mod = template
        with_mod %= f
        found.append(with_mod)
    return found


def going_on():
    def many():
        yield str(f)
        yield f"{f}{f}"
        yield str(f)

    return (f"{text}{str(f)}{f}" for text in many())


shown = []
going = going_on()
shown += [str(Shy()), f"{Shy()}", f"{Shy()}{Shy()}", *parts(), *Place().all(), *inside(), str(f), f"{f}{f}"]
shown += [f"{f}{n}" for n in range(2)]
result = [text for text in shown if " at 0x" in str(text)]
