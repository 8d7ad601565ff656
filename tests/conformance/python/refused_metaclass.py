# error: security_violation 2:1 "metaclass"
class A(metaclass=type):
    pass
