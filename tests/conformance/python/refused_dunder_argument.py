# error: security_violation 2:7 "__builtins__"
def f(__builtins__):
    pass
