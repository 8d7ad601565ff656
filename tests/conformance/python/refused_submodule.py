# error: security_violation 2:1 "json.codecs"
import json.codecs
