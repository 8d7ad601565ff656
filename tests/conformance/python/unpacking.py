# expect: [2, 1, 1, [2, 3], 4, [[0, "a"], [1, "b"]], 10, {"a": 1, "b": 2}, [1, 2, 3, 4], [[1, 2], 3], 9]
a, b = 1, 2
a, b = b, a
first, *middle, last = [1, 2, 3, 4]
pairs = []
for _, (index, letter) in enumerate([(0, "a"), (1, "b")]):
    pairs.append([index, letter])


def add(*numbers, **named):
    return sum(numbers) + sum(named.values())


(x, y), z = (1, 2), 3


def only(p, /, q, *, r=3):
    return p + q + r


result = [
    a, b, first, middle, last, pairs, add(*[1, 2], 3, **{"k": 4}), {**{"a": 1}, "b": 2}, [*[1, 2], *(3, 4)],
    [[x, y], z], only(2, q=4),
]
