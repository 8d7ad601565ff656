# error: invalid_syntax 2:7
def f(:
    pass
