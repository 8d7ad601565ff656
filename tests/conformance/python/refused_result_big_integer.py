# error: execution - "beyond 64 bits"
result = {"n": 10**5000}
