# error: security_violation 3:1 "__init__ can be called on a class only"
import math
math.__init__("math", {"sqrt": 1})
