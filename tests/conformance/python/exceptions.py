# expect: ["Broken: 7", ["a", 1], "cause ValueError", "re", "assert"]
class Broken(Exception):
    def __init__(self, number):
        super().__init__(f"Broken: {number}")
        self.number = number


caught = []
try:
    raise Broken(7)
except Broken as error:
    caught.append(str(error))
try:
    raise ValueError("a", 1)
except ValueError as error:
    caught.append(list(error.args))
try:
    try:
        int("x")
    except ValueError as error:
        raise RuntimeError("outer") from error
except RuntimeError as error:
    caught.append("cause ValueError")
try:
    try:
        raise KeyError("k")
    except KeyError:
        raise
except LookupError:
    caught.append("re")
try:
    assert False, "no"
except AssertionError:
    caught.append("assert")
result = caught
