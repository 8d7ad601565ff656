# error: execution 2:10 "KeyError: <function"
result = {}[len if False else (lambda: 1)]
