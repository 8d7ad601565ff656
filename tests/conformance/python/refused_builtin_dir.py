# error: security_violation 2:10 "dir"
result = dir
