# error: security_violation 2:10 "__import__"
result = __import__
