# error: security_violation 2:1 "collections.abc"
import collections.abc
