# error: security_violation 2:10 "__class__"
result = "{0.__class__}".format(1)
