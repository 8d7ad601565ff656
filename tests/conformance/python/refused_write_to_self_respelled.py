# error: security_violation 8:9 "own classes"
import json


class Unit:
    def change(__self, other):
        _Unit__self = other
        __self.x = 1


Unit().change(json.dumps)
