# error: security_violation 4:12 "__code__"
def f():
    pass
result = f.__code__
