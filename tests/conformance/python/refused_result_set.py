# error: execution - "result[\"units\"][3] is of type set"
result = {"units": [1, 2, 3, {1}]}
