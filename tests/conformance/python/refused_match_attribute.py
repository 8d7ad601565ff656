# error: security_violation 3:10 "__class__"
match 1:
    case int(__class__=x):
        pass
