# expect: [3, 6, 2, "main", [1, 2], 6, true, null, 3]
total = 0
for _ in range(3):
    total += 1
_private = 2
__double = 4


def _helper(x):
    return x * 2


if __name__ == "__main__":
    main = "main"
x: int = 1
y: list[int] = []
del y
assert total == 3, "never"
assert 0 < x < 2 <= _private
open = lambda text: text
id = 6
result = [total, _helper(3), _private, open(main), [x, _private], id, x is not None, None, 1 if False else 3]
