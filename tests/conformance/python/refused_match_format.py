# error: security_violation 3:10 "format"
match "{0.__class__}":
    case str(format=write):
        result = write(1)
