# error: security_violation 2:1 "__build_class__"
from math import sqrt as __build_class__
