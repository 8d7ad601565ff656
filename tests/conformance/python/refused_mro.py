# error: security_violation 2:14 "mro"
result = int.mro()
