# error: execution 3:12 "ZeroDivisionError: division by zero"
def f(x):
    return 1 / x
result = f(0)
