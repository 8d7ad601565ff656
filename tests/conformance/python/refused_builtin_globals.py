# error: security_violation 2:10 "globals"
result = globals
