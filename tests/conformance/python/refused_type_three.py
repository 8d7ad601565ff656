# error: execution 2:10 "TypeError"
result = type("X", (), {})
