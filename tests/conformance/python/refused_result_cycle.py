# error: execution - "contains itself"
result = []
result.append(result)
