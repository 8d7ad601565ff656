# error: execution - "result is of type Unit"
class Unit:
    pass
result = Unit()
