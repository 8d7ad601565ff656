# error: execution 5:12 "KeyError"
def outer(d):
    return inner(d)
def inner(d):
    return d["missing"]
result = sorted([1, 2], key=lambda n: outer({}))
