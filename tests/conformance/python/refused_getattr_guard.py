# error: security_violation 2:10 "__class__"
result = getattr(1, "__cla" + "ss__")
