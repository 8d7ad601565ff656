# error: security_violation 2:1 "relative"
from . import dice
