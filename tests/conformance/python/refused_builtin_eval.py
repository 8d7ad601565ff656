# error: security_violation 2:10 "eval"
result = eval
