# error: security_violation - "reserved"
template = "{0.$kept}"
result = template.format(1)
