# error: invalid_syntax 2:10
result = [1, 2
