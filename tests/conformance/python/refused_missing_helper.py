# error: not_found 2:1 "shared/nothing"
from shared import nothing
