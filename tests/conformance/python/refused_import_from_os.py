# error: security_violation 2:1 "os"
from os import path
