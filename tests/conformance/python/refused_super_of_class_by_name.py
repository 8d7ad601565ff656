# error: security_violation - "super().__init__() can be called for an object only"
import json


class Unit:
    def __init__(self, health):
        self.health = health


class Tank(Unit):
    pass


try:
    super(Tank, Tank).__init__(json.dumps, 1)
except Exception:
    pass
result = 1
