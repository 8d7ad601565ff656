# error: security_violation 2:10 "open"
result = open("/etc/passwd")
