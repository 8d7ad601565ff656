# error: security_violation 6:5 "own classes"
import json


def change(target):
    target.x = 1


change(json.dumps)
