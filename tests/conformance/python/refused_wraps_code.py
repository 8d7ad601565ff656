# error: execution 4:1 "TypeError"
import functools
f = lambda: 1
functools.wraps(f, assigned=("__globals__",))
