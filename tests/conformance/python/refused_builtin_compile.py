# error: security_violation 2:10 "compile"
result = compile
