# error: security_violation 3:1 "own classes"
from statistics import NormalDist
NormalDist.x = 1
