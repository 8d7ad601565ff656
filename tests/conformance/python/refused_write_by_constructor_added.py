# error: execution - "$own"
import json


class Taker:
    def __radd__(self, function):
        function(json.dumps, 1)


class Unit:
    def __init__(self, health):
        self.health = health

    __init__ += Taker()
