# error: security_violation 2:10 "id"
result = id
