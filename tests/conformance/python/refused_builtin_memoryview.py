# error: security_violation 2:10 "memoryview"
result = memoryview
