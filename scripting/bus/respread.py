"""Change over how many streams a module's keys are spread, while events wait and are published: order per key holds, nothing is lost.

A change is said in Redis first. From then on no stream of the module is drained, and whoever drains one hands it over. Then what
waits is moved to the streams of the new number, oldest first, some hundred entries in each step; publishers go by the old
number meanwhile. The step that finds nothing left to move also makes the new number the one that counts. A change whose process died is
finished by another: until then nobody drains, so that no key runs from two streams.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scripting.bus import drain_queue, spread, streams
from scripting.bus.lease import LATEST, LEASE_SECONDS
from scripting.bus.streams import Stream
from scripting.conf import conf
from scripting.storage.full_redis import IN_FULL
from scripting.storage.lua import LuaScript
from scripting.storage.redis_client import key, redis_client

logger = logging.getLogger(__name__)

STEP = 500
"""Entries looked at in one step, which holds Redis for some milliseconds."""
PAUSE_SECONDS = 0.02
"""Between two looks whether all drains have handed over."""

# KEYS: counts, changes. ARGV: module, number wanted, token, milliseconds, prefix of leases. Answers the number that is, the one that it is
# being changed to, whether this call began that, and how many streams others still drain. Nothing where there is nothing to change, or
# another process changes it.
_claim = LuaScript(
    IN_FULL
    + """
local from = tonumber(redis.call('HGET', KEYS[1], ARGV[1]))
if not from then return false end
local right = ARGV[5] .. ARGV[1] .. ':spread'
local holder = redis.call('GET', right)
if holder and holder ~= ARGV[3] then return false end
local to, began = redis.call('HGET', KEYS[2], ARGV[1]), 0
if not to then
  if from == tonumber(ARGV[2]) then return false end
  to, began = ARGV[2], 1
  redis.call('HSET', KEYS[2], ARGV[1], to)
end
redis.call('SET', right, ARGV[3], 'PX', ARGV[4])
local missing = 0
for s = 0, from - 1 do
  local lease = ARGV[5] .. ARGV[1] .. ':' .. s
  local owner = redis.call('GET', lease)
  if not owner or owner == ARGV[3] then redis.call('SET', lease, ARGV[3], 'PX', ARGV[4]) else missing = missing + 1 end
end
return {from, tonumber(to), began, missing}
"""
)

# KEYS: changes. ARGV: module, token, number of streams, prefix of leases.
_give_up = LuaScript(
    IN_FULL
    + """
for s = 0, ARGV[3] - 1 do
  local lease = ARGV[4] .. ARGV[1] .. ':' .. s
  if redis.call('GET', lease) == ARGV[2] then redis.call('DEL', lease) end
end
if redis.call('GET', ARGV[4] .. ARGV[1] .. ':spread') == ARGV[2] then
  redis.call('DEL', ARGV[4] .. ARGV[1] .. ':spread')
  redis.call('HDEL', KEYS[1], ARGV[1])
end
"""
)

# KEYS: counts, changes, names. ARGV: module, token, milliseconds, entries to look at, end of the ids of jobs, prefixes of entries, flags, leases,
# marks and deliveries, then the last entry looked at of each stream. Answers 0 where another one has the change by now; 1 with the
# entries moved and the last ones looked at; 2 with the entries moved and the streams that want their job, once all is done.
_move = LuaScript(
    IN_FULL
    + LATEST
    + """
local module, left = ARGV[1], tonumber(ARGV[4])
local from, to = tonumber(redis.call('HGET', KEYS[1], module)), tonumber(redis.call('HGET', KEYS[2], module))
if not to or from ~= #ARGV - 10 then return {0} end
local function at(prefix, s) return ARGV[prefix] .. module .. ':' .. s end
local held = {at(8, 'spread')}
for s = 0, from - 1 do held[#held + 1] = at(8, s) end
for _, lease in ipairs(held) do
  if redis.call('GET', lease) ~= ARGV[2] then return {0} end
  redis.call('PEXPIRE', lease, ARGV[3])
end

local crc = {}
for byte = 0, 255 do
  local c = byte
  for _ = 1, 8 do
    if bit.band(c, 1) == 1 then c = bit.bxor(bit.rshift(c, 1), 0xEDB88320) else c = bit.rshift(c, 1) end
  end
  crc[byte] = c
end
local function crc32(text)
  local c = -1
  for i = 1, #text do c = bit.bxor(crc[bit.band(bit.bxor(c, string.byte(text, i)), 255)], bit.rshift(c, 8)) end
  return bit.bnot(c) % 4294967296
end
-- Of an envelope key and id alone are read: what Redis has for msgpack refuses values that are bytes.
local size = {}
for t = 0, 127 do size[t] = 1 end
for t = 224, 255 do size[t] = 1 end
for t, n in pairs({[192]=1, [194]=1, [195]=1, [202]=5, [203]=9, [204]=2, [205]=3, [206]=5, [207]=9, [208]=2, [209]=3, [210]=5, [211]=9}) do
  size[t] = n
end
local width = {[196]=1, [197]=2, [198]=4, [217]=1, [218]=2, [219]=4, [220]=2, [221]=4, [222]=2, [223]=4}
local function number(data, i, bytes)
  local n = 0
  for j = i, i + bytes - 1 do n = n * 256 + string.byte(data, j) end
  return n
end
local function head(data, i)
  -- Kind of the value at i, where its contents begin, and how many bytes, items or pairs they are.
  local t = string.byte(data, i)
  if size[t] then return 'plain', i, size[t] end
  if t < 144 then return 'map', i + 1, t - 128 end
  if t < 160 then return 'list', i + 1, t - 144 end
  if t < 192 then return 'text', i + 1, t - 160 end
  local begins, n = i + 1 + width[t], number(data, i + 1, width[t])
  if t >= 222 then return 'map', begins, n end
  if t >= 220 then return 'list', begins, n end
  return t >= 217 and 'text' or 'bytes', begins, n
end
local function behind(data, i)
  local values = 1
  while values > 0 do
    local kind, begins, n = head(data, i)
    values, i = values - 1, begins
    if kind == 'map' then values = values + 2 * n elseif kind == 'list' then values = values + n else i = i + n end
  end
  return i
end
local function text_at(data, i)
  local kind, begins, n = head(data, i)
  return kind == 'text' and string.sub(data, begins, begins + n - 1) or nil
end
local function key_or_id(data)
  local _, i, fields = head(data, 1)
  local found = {}
  for _ = 1, fields do
    local name = text_at(data, i)
    i = behind(data, i)
    if name == 'key' or name == 'id' then found[name] = text_at(data, i) end
    i = behind(data, i)
  end
  return found['key'] ~= '' and found['key'] or found['id']
end
local function place(fields)
  for i = 1, #fields, 2 do
    if fields[i] == 'e' then
      local good, text = pcall(key_or_id, fields[i + 1])
      return good and text and crc32(text) % to or nil
    end
  end
end
local function is_up_to(id, mark)
  if not mark then return false end
  local a, b = string.match(id, '(%d+)-(%d+)')
  local c, d = string.match(mark, '(%d+)-?(%d*)')
  a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d) or 0
  return a < c or (a == c and b <= d)
end

local moved, looked = 0, {}
for s = 0, from - 1 do
  local last, more = ARGV[11 + s], true
  local mark = redis.call('GET', at(9, s))
  while more and left > 0 do
    local found = redis.call('XRANGE', at(6, s), '(' .. last, '+', 'COUNT', left)
    more = #found == left
    left = left - #found
    for _, entry in ipairs(found) do
      last = entry[1]
      local target = place(entry[2]) or s
      if target ~= s then
        -- Its id tells how long it has waited, so it is kept where the other stream has none that is younger.
        local id = redis.pcall('XADD', at(6, target), last, unpack(entry[2]))
        if type(id) == 'table' then id = redis.call('XADD', at(6, target), '*', unpack(entry[2])) end
        redis.call('XDEL', at(6, s), last)
        if entry[2][3] == 'l' then move_latest(at(6, s), last, at(6, target), id, entry[2][4]) end
        redis.call('SADD', KEYS[3], module .. ':' .. target)
        local deliveries = redis.call('HGET', at(10, s), last)
        if deliveries then
          redis.call('HSET', at(10, target), id, deliveries)
          redis.call('HDEL', at(10, s), last)
        end
        if is_up_to(last, mark) then redis.call('SET', at(9, target), id) end
        moved = moved + 1
      end
    end
  end
  looked[#looked + 1] = last
end
if left == 0 then return {1, moved, looked} end

redis.call('HSET', KEYS[1], module, to)
redis.call('HDEL', KEYS[2], module)
for _, lease in ipairs(held) do redis.call('DEL', lease) end
local wanted = {}
for s = 0, math.max(from, to) - 1 do
  if redis.call('XLEN', at(6, s)) == 0 then
    redis.call('DEL', at(7, s), at(9, s), at(10, s), at(6, s) .. ':latest')
    if s >= to then redis.call('SREM', KEYS[3], module .. ':' .. s) end
  else
    redis.call('SET', at(7, s), 'drain-' .. module .. '-' .. s .. '-' .. ARGV[5])
    wanted[#wanted + 1] = s
  end
end
return {2, moved, wanted}
"""
)


@dataclass(frozen=True)
class Changed:
    """A change that is done."""

    module: str
    before: int
    after: int
    moved: int
    """Events that waited and went to another stream."""


def respread(
    module: str,
    number: int,
    *,
    stopping: Callable[[], bool] = lambda: False,
    step: int = STEP,
    pause: Callable[[float], object] = time.sleep,
) -> Changed | None:
    """Spread a module's keys over `number` streams, or finish the change that is under way: what was done, None if that is not for us to do.

    Gives up where a drain does not hand over within the time of a drain and a run, and another call tries again. Raises redis.RedisError.
    """
    token = f"respread|{secrets.token_hex(8)}"
    until = time.monotonic() + conf.SCRIPTING_DRAIN_SECONDS + 2 * conf.SCRIPT_MAX_EXECUTION_TIME
    began = False
    while True:
        keys = [spread.counts_key(), spread.changes_key()]
        claimed = _claim(keys, [module, number, token, _MILLISECONDS, key("lease", "")], redis_client())
        if claimed is None:
            return None
        before, after, began_now, missing = claimed
        began = began or bool(began_now)
        if not missing:
            break
        if stopping() or time.monotonic() > until:
            if began:
                _give_up([spread.changes_key()], [module, token, before, key("lease", "")], redis_client())
            return None
        pause(PAUSE_SECONDS)
    return _moved(module, before, after, token, stopping, step)


_MILLISECONDS = int(LEASE_SECONDS * 1000)


def _moved(module: str, before: int, after: int, token: str, stopping: Callable[[], bool], step: int) -> Changed | None:
    prefixes = [key(name, "") for name in ("events", "drain", "lease", "mark", "deliveries")]
    keys = [spread.counts_key(), spread.changes_key(), streams.names_key()]
    looked: Any = ["0-0"] * before
    end = secrets.token_hex(8)
    moved = 0
    while not stopping():
        state, *more = _move(keys, [module, token, _MILLISECONDS, step, end, *prefixes, *looked], redis_client())
        if not state:
            return None
        moved += more[0]
        looked = more[1]
        if state == 2:
            spread.learn(module, after)
            for shard in looked:
                drain_queue.enqueue_quietly(Stream(module, shard), f"drain-{module}-{shard}-{end}")
            logger.info("%s: %d streams, not %d; %d waiting events went to another one", module, after, before, moved)
            return Changed(module, before, after, moved)
    return None
