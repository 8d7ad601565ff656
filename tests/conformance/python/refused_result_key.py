# error: execution - "keys must be strings"
result = {1: 2}
