# expect: [true, true, true, true, "int", true, "Unit", true, true, false]
def made(kind: type[int], other: int | type = int) -> type:
    return kind


class Unit:
    pass


def shown(value):
    match value:
        case type():
            return True
    return False


result = [
    isinstance(int, type), isinstance(Unit, type), made(int) is int, isinstance(Unit, int | type), type(1).__name__,
    type(int) is type, type(Unit()).__name__, shown(int), type(True) == bool, shown(1),
]
