# expect: [[4, 6], [3, 4], [2, 4], 3, true, 2, [9, 2], [1, 2], "V<1,2>", false, [-1, -2], 7, 1, "1|2"]
class Vector:
    __slots__ = ("x", "y")
    __match_args__ = ("x", "y")

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    __radd__ = __add__

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor)

    def __neg__(self):
        return Vector(-self.x, -self.y)

    def __getitem__(self, index):
        return (self.x, self.y)[index]

    def __setitem__(self, index, value):
        if index == 0:
            self.x = value
        else:
            self.y = value

    def __contains__(self, value):
        return value in (self.x, self.y)

    def __call__(self, n):
        return self.x + self.y + n

    def __bool__(self):
        return self.x != 0

    def __hash__(self):
        return self.x * 31 + self.y

    def __eq__(self, other):
        return [*self] == [*other]

    def __iter__(self):
        return iter((self.x, self.y))

    def __repr__(self):
        return f"V<{self.x},{self.y}>"

    def __format__(self, spec):
        return f"{self.x}{spec}{self.y}"


a, b = Vector(1, 2), Vector(3, 4)
c = Vector(1, 2)
c[0] = 9
match a:
    case Vector(x, y):
        pattern = [x, y]
result = [
    list(a + b), list(b), list(a * 2), b[0], 2 in a, len({a, b, Vector(1, 2)}), list(c), pattern, repr(a),
    bool(Vector(0, 1)), list(-a), a(4), {a: 1}[Vector(1, 2)], f"{a:|}",
]
