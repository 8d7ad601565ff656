# error: security_violation 4:1 "attributes can be set on objects of your own classes only"
import json
from collections import ChainMap
ChainMap.__init__(json.dumps, {})
