# error: security_violation 3:12 "open"
def f():
    return open("x")
