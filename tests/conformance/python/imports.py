# expect: [2.0, 3.0, "2023-11-14", "2023-11-15T00:00:00", "2023", 5, [1, 3, 6], "x1", 2.5, {"a": 2}, "abc", 1.0, 6, ["a", 1], 3600.0]
import collections
import datetime as dt
import functools
import json
import math
import re
import statistics
import string
from collections import Counter, defaultdict, namedtuple
from datetime import date, datetime, timedelta
from itertools import accumulate
from math import sqrt as root

Point = namedtuple("Point", "name value")
tree = defaultdict(list)
tree["a"].append(1)
deque = collections.deque([1, 2], maxlen=2)
result = [
    math.sqrt(4), root(9), datetime.now().date().isoformat(),
    (datetime(2023, 11, 14) + timedelta(days=1)).isoformat(), dt.datetime.now().strftime("%Y"),
    len(json.loads("[1, 2, 3, 4, 5]")), list(accumulate([1, 2, 3])), re.sub(r"(\w)", r"x\1", "1"),
    statistics.mean([2, 3]), Counter("aa"), string.ascii_lowercase[:3], math.floor(1.9) * 1.0,
    functools.reduce(lambda a, b: a * b, [1, 2, 3]), Point("a", 1), timedelta(hours=1).total_seconds(),
]
assert date.today() == datetime.utcnow().date() == dt.date(2023, 11, 14)
assert isinstance(date.today(), date) and isinstance(datetime.now(), datetime)
assert datetime.strptime("2024-01-02", "%Y-%m-%d").day == 2
assert json.dumps({"b": [1, None]}) == '{"b": [1, null]}'
