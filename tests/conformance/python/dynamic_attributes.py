# expect: [3, 7, true, false, 9, false, true]
class Unit:
    health = 3


unit = Unit()
setattr(unit, "armor", 7)
before = hasattr(unit, "armor")
armor = getattr(unit, "armor")
delattr(unit, "armor")
result = [getattr(unit, "health"), armor, before, hasattr(unit, "armor"), getattr(unit, "none", 9), hasattr(unit, "__class__"), callable(len)]
