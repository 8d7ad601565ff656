# error: execution - "$own"
import json


class Unit:
    def __init__(self, health):
        self.health = health

    change = __init__


Unit.change(json.dumps, 1)
