# error: security_violation 2:10 "__builtins__"
result = __builtins__
