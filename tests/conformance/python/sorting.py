# expect: [["b", "a"], 1, 9, [3, 2, 1], [["a", 2], ["b", 1]], 6, [[1, "x"]], true, false, [2, 3], 3, [1, 2], 2.5]
units = [{"name": "a", "hp": 9}, {"name": "b", "hp": 1}]
result = [
    [unit["name"] for unit in sorted(units, key=lambda unit: unit["hp"])],
    min(unit["hp"] for unit in units), max(units, key=lambda unit: unit["hp"])["hp"],
    list(reversed([1, 2, 3])), sorted({"b": 1, "a": 2}.items()), sum([1, 2, 3]), list(zip([1], "x")),
    any([0, 1]), all([0, 1]), list(filter(lambda n: n > 1, [1, 2, 3])), abs(-3), list(dict.fromkeys([1, 2, 1])), round(2.5432, 1),
]
