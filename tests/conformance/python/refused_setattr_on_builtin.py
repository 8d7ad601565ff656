# error: security_violation 2:1 "own classes"
setattr(int, "x", 1)
