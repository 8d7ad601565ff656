"""On PYTHONPATH, it makes a process believe that it is a year later, as on a host whose clock was set wrongly."""

import time

YEAR_NS = 365 * 86_400 * 1_000_000_000
_time, _time_ns = time.time, time.time_ns

time.time = lambda: _time() + YEAR_NS / 1e9
time.time_ns = lambda: _time_ns() + YEAR_NS
