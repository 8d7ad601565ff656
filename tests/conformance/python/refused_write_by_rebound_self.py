# error: security_violation 8:9 "own classes"
from collections import Counter


class A:
    def change(self):
        self = Counter
        self.update = 1


A().change()
