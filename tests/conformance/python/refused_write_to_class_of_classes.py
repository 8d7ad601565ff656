# error: security_violation - "own classes"
import json
from enum import Enum


class Unit:
    pass


for target in (Unit, Unit(), json.dumps):
    target.x = 1
