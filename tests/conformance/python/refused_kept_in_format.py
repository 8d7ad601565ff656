# error: security_violation 3:10 "reserved"
value = 1
result = "{0.$kept}".format(value)
