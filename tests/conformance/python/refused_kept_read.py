# error: security_violation - "reserved"
class Holder:
    pass


text = str(Holder)
try:
    getattr(Holder, "$kept", None)
except Exception:
    pass
result = 1
