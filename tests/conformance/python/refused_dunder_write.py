# error: security_violation 5:3 "__class__"
class A:
    pass
a = A()
a.__class__ = A
