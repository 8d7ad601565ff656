# expect: []
class Text(str):
    def percent(self, value):
        return super().__mod__(value)


class Broken(Exception):
    def text(self):
        return super().__str__()


def f():
    pass


def caught(action):
    try:
        action()
    except Exception as error:
        return [str(error), repr(error), *[str(part) for part in error.args], error.args[0]]


d = {"t": "%s"}
shown = [
    str(f), repr(f), f"{f}", f"{f!r:>9}", f"{[f]}", "%s" % f, "%r" % (f,), "{}".format(f), "{0!r}".format([f]), format(f),
    ascii(f), *map(str, [f]), *map(repr, [f]), Text(f), Text("%s").percent(f), Broken(f).text(), "".join([str(f)]),
    str(len), str([].append), str(iter([])), str(x for x in []), (b"%r" % f).decode(), str({f}), "{a}".format_map({"a": f}),
    *caught(lambda: [].index(f)), *caught(lambda: {}[f]), str(object_ if (object_ := iter("")) else ""), str(super), str(print),
]
template = "%s"
template %= f
shown.append(template)
result = [text for text in shown if isinstance(text, str) and " at 0x" in text]
