# error: security_violation 2:1 "singledispatch"
from functools import singledispatch
