# error: security_violation 2:13 "__class__"
result = ().__class__
