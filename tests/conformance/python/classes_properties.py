# expect: [10, 4, 0, "static", "Unit", 3]
class Unit:
    def __init__(self):
        self._health = 10
        self.shots = 0

    @property
    def health(self):
        return self._health

    @health.setter
    def health(self, value):
        self._health = max(0, value)

    @staticmethod
    def helper():
        return "static"

    @classmethod
    def title(cls):
        return cls.__name__

    def fire(self):
        self.shots += 1
        return self


unit = Unit()
before = unit.health
unit.health -= 6
middle = unit.health
unit.health = -5
result = [before, middle, unit.health, Unit.helper(), Unit.title(), unit.fire().fire().fire().shots]
