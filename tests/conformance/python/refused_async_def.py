# error: security_violation 2:1 "async"
async def f():
    pass
