# error: execution - "result[0] is of type function"
result = [lambda: 1]
