# error: security_violation 4:1 "own classes"
def f():
    pass
f.x = 1
