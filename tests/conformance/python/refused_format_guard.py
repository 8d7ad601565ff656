# error: security_violation 3:10 "__class__"
template = "{0.__class__}"
result = template.format(1)
