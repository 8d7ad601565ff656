# error: execution 2:10 "ValueError: <function"
result = [].index(len if False else (lambda: 1))
