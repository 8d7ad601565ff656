# error: security_violation 2:1 "except*"
try:
    pass
except* ValueError:
    pass
