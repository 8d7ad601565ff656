# error: security_violation 8:9 "own classes"
import json


class Unit:
    def change(_Unit__self, other):
        __self = other
        _Unit__self.x = 1


Unit().change(json.dumps)
