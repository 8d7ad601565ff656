# expect: ["<Unit object>", "<Unit object>", "<class 'Unit'>", "[<Unit object>]", true, "<function f>", "<Unit object> <Unit object>"]
class Unit:
    pass


def f():
    pass


unit = Unit()
result = [str(unit), f"{unit}", str(Unit), repr([unit]), " at 0x" not in str(unit.__init__() if False else f), f"{f}", "%s %r" % (unit, unit)]
