# error: security_violation 12:5 "own classes"
import json


class Holder:
    def __init__(self, held):
        self.held = held


def change(holder):
    holder.held = holder.held
    holder.held.x = 1


change(Holder(json.dumps))
