# error: security_violation 2:10 "exec"
result = exec
