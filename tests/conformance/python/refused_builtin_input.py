# error: security_violation 2:10 "input"
result = input
