# expect: {"t": [1, 2], "b": true, "n": null, "f": 1.5, "i": -9223372036854775808, "e": {}, "c": {"a": 1}, "s": "é\u0000"}
from collections import Counter

result = {"t": (1, 2), "b": True, "n": None, "f": 1.5, "i": -(2**63), "e": {}, "c": Counter("a"), "s": "é\0"}
