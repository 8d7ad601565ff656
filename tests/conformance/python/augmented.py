# expect: [6, [2, 2, 3], {"a": 5, "b": 2}, [1, 9, 9, 4], 8, "abab", 3, [1, 2, 3], 2, 1]
n = 5
n += 1
values = [1, 2, 3]
values[0] += 1
scores = {"a": 1}
scores["a"] += 4
scores["b"] = scores.get("b", 0) + 2
parts = [1, 2, 3, 4]
parts[1:3] = [9, 9]


class Unit:
    health = 10


unit = Unit()
unit.health -= 2
text = "ab"
text *= 2
rest = 7
rest %= 4
joined = [1]
joined += [2, 3]
grid = [[0, 1], [2, 3]]
grid[1][0] //= 1
turn = 5
turn %= len(grid)
result = [n, values, scores, parts, unit.health, text, rest, joined, grid[1][0], turn]
