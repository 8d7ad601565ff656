# error: security_violation 3:10 "__class__"
t = "{:{0.__class__}}"
result = t.format(1)
