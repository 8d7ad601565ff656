# error: execution - "$own"
import json

kept = []


def keep(function):
    kept.append(function)
    return function


class Unit:
    @keep
    def __init__(self, health):
        self.health = health


kept[0](json.dumps, 1)
