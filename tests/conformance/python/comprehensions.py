# expect: [[0, 4, 16], {"a": 1, "b": 2}, [1, 2, 3], [[1, 2], [3, 4]], 14, [[0, 1], [1, 0]], 3, [3, 4], "a-b", [1, 2, 3]]
squares = [n * n for n in range(5) if n % 2 == 0]
mapping = {key: value for key, value in zip("ab", [1, 2])}
unique = sorted({3, 1, 2, 3})
rows = [[cell for cell in row] for row in [(1, 2), (3, 4)]]
total = sum(n * n for n in range(4))
swapped = [[y, x] for x, y in [(1, 0), (0, 1)]]
if (size := len(unique)) > 2:
    pass
big = [y for x in [1, 2, 3] if (y := x + 1) > 2]
text = "-".join(str(part) for part in ["a", "b"])
result = [squares, mapping, unique, rows, total, swapped, size, big, text, [*map(int, "123")]]
