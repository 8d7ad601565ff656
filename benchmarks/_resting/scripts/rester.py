rest()
result = {}
