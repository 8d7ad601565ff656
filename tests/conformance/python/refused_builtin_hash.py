# error: security_violation 2:10 "hash"
result = hash
