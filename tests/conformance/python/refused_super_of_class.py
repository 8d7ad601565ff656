# error: security_violation 13:9 "super().__init__() can be called for an object only"
import json


class Unit:
    def __init__(self, health):
        self.health = health


class Tank(Unit):
    @classmethod
    def change(cls, target):
        super().__init__(target, 1)


Tank.change(json.dumps)
