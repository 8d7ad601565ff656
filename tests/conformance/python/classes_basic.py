# expect: ["Tank(3)", "Tank(3)", true, false, true, 5, [1, 2, 3], 8, 42]
class Unit:
    count = 0

    def __init__(self, name, health=3):
        self.name = name
        self.health = health
        self._secret = 41
        self.__hidden = 1
        Unit.count += 1

    def __str__(self):
        return f"{self.name}({self.health})"

    def __repr__(self):
        return str(self)

    def __eq__(self, other):
        return isinstance(other, Unit) and self.name == other.name

    def __lt__(self, other):
        return self.health < other.health

    def __len__(self):
        return 5

    def __iter__(self):
        yield from [1, 2, 3]

    def __add__(self, other):
        return self.health + other

    def hidden(self):
        return self._secret + self.__hidden


tank = Unit("Tank")
other = Unit("Jeep", 4)
result = [str(tank), repr(tank), tank == Unit("Tank"), tank == other, tank < other, len(tank), list(tank), tank + 5, tank.hidden()]
