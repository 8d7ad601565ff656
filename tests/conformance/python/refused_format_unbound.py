# error: security_violation 2:10 "__globals__"
result = str.format("{0.__globals__}", len)
