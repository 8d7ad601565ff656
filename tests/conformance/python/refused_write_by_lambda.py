# error: security_violation 6:30 "attributes can be set on objects of your own classes only"
import json
class Unit:
    def hit(self):
        self.health = 1
        (lambda self: [0 for self.health in [1]])(json.dumps)
Unit().hit()
