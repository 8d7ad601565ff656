# expect: [[1, 2, 3], "closed", [0, 2, 4], 6, [1, 1], "end"]
def numbers():
    got = yield 1
    yield 2
    yield 3


def closing(seen):
    try:
        yield 1
    finally:
        seen.append("closed")


seen = []
one = closing(seen)
next(one)
one.close()
evens = (n * 2 for n in range(3))


def sender():
    total = 0
    while True:
        value = yield total
        if value is None:
            return
        total += value


send = sender()
next(send)
send.send(2)


def outer():
    yield from [1, 1]


result = [list(numbers()), seen[0], list(evens), send.send(4), list(outer()), next(iter([]), "end")]
