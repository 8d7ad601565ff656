# error: security_violation 4:12 "__globals__"
def f():
    pass
result = f.__globals__
