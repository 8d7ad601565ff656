# error: security_violation 12:9 "super().__init__() can be called for an object only"
import json


class Unit:
    def __init__(self, health):
        self.health = health


class Tank(Unit):
    def change(self, target):
        super().__init__(target, 1)


Tank.change(Tank, json.dumps)
