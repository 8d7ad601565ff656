# error: security_violation 4:14 "gi_frame"
def g():
    yield 1
result = g().gi_frame.f_back
