# error: security_violation 3:15 "_member_map_"
import re
result = re.I._member_map_
