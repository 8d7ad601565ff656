# error: execution - "lone surrogate"
result = ["\ud800"]
