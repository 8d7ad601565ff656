# error: security_violation - "__class__"
try:
    getattr(1, "__cla" + "ss__")
except Exception:
    pass
result = 1
