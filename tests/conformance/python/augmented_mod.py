# expect: [{"a": "1-2", "b": 1}, ["x", 2], 30.0, "in place", "left % right", 1, "text 5", 1, [0], "own"]
from datetime import timedelta


class Ring:
    def __init__(self):
        self.left = 7
        self.time = timedelta(seconds=90)

    def turn(self, by):
        self.left %= by


class Own:
    def __imod__(self, other):
        return "in place"

    def __mod__(self, other):
        return f"left % {other}"


class Right:
    def __rmod__(self, other):
        return "own"


calls = []


def index():
    calls.append(0)
    return 0


ring = Ring()
ring.turn(3)
ring.time %= timedelta(minutes=1)
scores = {"a": "%d-%d", "b": 7}
scores["a"] %= (1, 2)
scores["b"] %= 3
values = ["%s", 8]
values[index()] %= "x"
values[-1] %= values[1] - 2
objects = [Own(), 4]
objects[0] %= "right"
other = Own()
other = other % "right"
left = 7
left %= Ring().left - 1
text = "text %s"
text %= [5][0]
rows = {"x": {"y": 9}}
rows["x"]["y"] %= len("ab")
last = [5]
last[0] %= Right()
result = [scores, [values[0], values[1]], ring.time.total_seconds(), objects[0], other, ring.left, text, left, calls, last[0]]
