# error: security_violation 2:1 "os"
import os
