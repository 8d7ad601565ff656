# error: security_violation 3:1 "own classes"
import math
math.pi = 3
