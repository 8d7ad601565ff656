# error: security_violation 2:10 "locals"
result = locals
