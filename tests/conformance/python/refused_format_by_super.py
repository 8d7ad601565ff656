# error: security_violation 7:10 "__globals__"
class Name(str):
    pass


name = Name("{0.__globals__}")
result = super(Name, name).format(lambda: 1)
