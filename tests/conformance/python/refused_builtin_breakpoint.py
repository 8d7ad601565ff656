# error: security_violation 2:10 "breakpoint"
result = breakpoint
