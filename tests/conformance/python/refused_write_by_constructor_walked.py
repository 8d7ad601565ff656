# error: execution - "$own"
import json


class Unit:
    def __init__(self, health):
        self.health = health

    [function(json.dumps, 1) for function in [__init__]]
