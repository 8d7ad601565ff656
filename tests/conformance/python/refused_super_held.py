# error: security_violation - "__init__ can be called on a class only"
import json


class Unit:
    def __init__(self, health):
        self.health = health


class Tank(Unit):
    pass


found = super(Tank, Tank)
found.__init__(json.dumps, 1)
