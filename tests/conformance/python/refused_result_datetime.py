# error: execution - "result is of type datetime"
result = now()
