# error: security_violation 2:10 "vars"
result = vars
