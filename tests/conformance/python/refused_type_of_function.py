# error: security_violation 2:10 "function"
result = type(lambda: 1)
