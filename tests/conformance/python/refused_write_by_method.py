# error: execution - "$own"
from collections import Counter


class A:
    def change(self):
        self.update = 1


A.change(Counter)
