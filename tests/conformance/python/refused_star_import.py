# error: security_violation 2:1 "star"
from math import *
