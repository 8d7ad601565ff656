# expect: ["1 2.5 True None b'x' [1]", "look at house", 7, [2, 1.5, "3", true, "odd"], [9, 8, 3, 2], 1, ["Ann", 3, 1], "2nd"]
class Unit:
    def __init__(self, name="", owner=None):
        self.name = name
        self.health = 1
        self.owner = owner

    def __mod__(self, other):
        return "odd"


class Leader(Unit):
    def __init__(self, name):
        super().__init__(name)
        self.rank = 3


class Chief(Leader):
    def __init__(self, name):
        super(Chief, self).__init__(name)


def texts(*values):
    return f"{str(values[0])} {values[1]} {str(values[2])} {values[3]} {str(values[4])} {values[5]}"


def remainders(a, b, text, flag):
    return [a % b, 4.5 % b, text % b, (flag % b) == 1, Unit() % b]


def next_unit(units):
    calls.append(1)
    return units[0]


def writes(units):
    for unit in units:
        unit.health += 4
    units[0].health += 4
    next_unit(units).owner = units[1]
    units[0].owner.health = 8
    [0 for units[0].owner.health in [3]]
    mine = units[1]
    before, mine.health = mine.health, 2
    return [units[0].health, 8, before, units[1].health]


calls = []
chief = Chief("Ann")
counted = 15
result = [
    texts(1, 2.5, True, None, b"x", [1]), str("look at " + "house"), counted % 8, remainders(5, 3, "%d", True),
    writes([Unit(), Unit()]), len(calls), [chief.name, chief.rank, chief.health], f"{2}nd",
]
