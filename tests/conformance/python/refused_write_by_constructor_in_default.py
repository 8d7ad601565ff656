# error: execution - "$own"
import json


class Unit:
    def __init__(self, health):
        self.health = health

    def change(self, target, how=__init__):
        how(target, 1)


Unit(1).change(json.dumps)
