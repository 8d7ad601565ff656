# expect: ["base", "Soldier Ann fires 7", 7, true, false, "Soldier", ["Ann", "Soldier"], 6]
class Unit:
    power = 2

    def __init__(self, name):
        self.name = name

    def attack(self):
        return self.power

    def kind(self):
        return "base"


class Soldier(Unit):
    power = 3

    def __init__(self, name, bonus):
        super().__init__(name)
        self.bonus = bonus

    def attack(self):
        return super().attack() + self.bonus

    def report(self):
        return "{} {} fires {}".format(type(self).__name__, self.name, self.attack())


class Medic(Unit):
    def __init__(self, name):
        Unit.__init__(self, name)
        self.heal = 6


ann = Soldier("Ann", 4)
result = [
    ann.kind(), ann.report(), ann.attack(), isinstance(ann, Unit), issubclass(Unit, Soldier),
    type(ann).__name__, [ann.name, Soldier.__name__], Medic("Bo").heal,
]
