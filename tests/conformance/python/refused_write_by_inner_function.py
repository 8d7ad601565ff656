# error: security_violation 8:13 "own classes"
from collections import Counter


class A:
    def change(self):
        def inner(self):
            self.update = 1

        inner(Counter)


A().change()
