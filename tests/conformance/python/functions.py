# expect: [1, 2, 3, 120, [2, 4], 7, 15, [0, 1, 1, 2, 3], "doc", 3]
def counter():
    count = 0

    def step():
        nonlocal count
        count += 1
        return count

    return step


def factorial(n: int) -> int:
    """Recursion works."""
    return 1 if n < 2 else n * factorial(n - 1)


def fibonacci(limit):
    a, b = 0, 1
    while a <= limit:
        yield a
        a, b = b, a + b


total = 0


def raise_total(by):
    global total
    total += by


def traced(function):
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs) + 5

    return wrapper


@traced
def ten():
    return 10


step = counter()
raise_total(7)
result = [step(), step(), step(), factorial(5), [(lambda v: v * 2)(v) for v in (1, 2)], total, ten(), list(fibonacci(3)), "doc", step.__name__ and 3]
