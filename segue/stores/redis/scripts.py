"""The Lua scripts that write live rows; each runs atomically and touches one bucket (one slot of a cluster)."""

from __future__ import annotations

# A packed field and value: 4 bytes track_no, then the cell.
_WIDTH = 25
# Redis refuses to unpack much more than this onto Lua's stack.
_CHUNK = 2000

_ADD_CELLS = f"""
local function add_cells(key, packed)
    local args = {{}}
    for at = 1, #packed, {_WIDTH} do
        args[#args + 1] = string.sub(packed, at, at + 3)
        args[#args + 1] = string.sub(packed, at + 4, at + {_WIDTH - 1})
        if #args == {_CHUNK} then
            redis.call('HSET', key, unpack(args))
            args = {{}}
        end
    end
    if #args > 0 then redis.call('HSET', key, unpack(args)) end
end
local function add_blocks(key, packed)
    if #packed > 0 then redis.call('HSET', key, 'b', packed) end
end
"""

# Statements (liked, disliked, saved) stay longer than any weight; a cell's bytes 14-16 hold saves and stance.
# The row is written anew, since a hash keeps the table of its largest size: twice the memory after one large batch.
_TRIM = f"""
local function trim(key, most)
    if redis.call('HLEN', key) <= most + math.floor(most / 8) then return 0 end
    local all = redis.call('HGETALL', key)
    local order, kept = {{}}, {{}}
    for at = 1, #all, 2 do
        if all[at] == 'm' or all[at] == 'b' then
            kept[#kept + 1] = all[at]
            kept[#kept + 1] = all[at + 1]
        else
            local weight, plays, skips, saves, stance = struct.unpack('<dI4I2i2i1', all[at + 1])
            local rank = math.abs(weight)
            if stance ~= 0 or saves > 0 then rank = math.huge end
            order[#order + 1] = {{rank, all[at], all[at + 1]}}
        end
    end
    table.sort(order, function(a, b) if a[1] ~= b[1] then return a[1] > b[1] end return a[2] < b[2] end)
    redis.call('DEL', key)
    for at = 1, most do
        kept[#kept + 1] = order[at][2]
        kept[#kept + 1] = order[at][3]
        if #kept >= {_CHUNK} or at == most then
            redis.call('HSET', key, unpack(kept))
            kept = {{}}
        end
    end
    return #order - most
end
"""

WRITE_BATCH = f"""{_ADD_CELLS}{_TRIM}
local guard = redis.call('GET', KEYS[1])
local expected, next_offset = tonumber(ARGV[1]), tonumber(ARGV[2])
local at = tonumber(guard or '0')
if at > expected then return {{'ahead', at, 0}} end
if at < expected then return {{'behind', guard and at or -1, 0}} end
local most, ttl = tonumber(ARGV[3]), ARGV[4]
local missing, trimmed = {{}}, 0
for i = 2, #KEYS do
    local a = 5 + (i - 2) * 4
    local complete = redis.call('HEXISTS', KEYS[i], 'm') == 1
    if complete or (ARGV[a] == '1' and redis.call('EXISTS', KEYS[i]) == 0) then
        redis.call('HSET', KEYS[i], 'm', ARGV[a + 1])
        add_cells(KEYS[i], ARGV[a + 2])
        add_blocks(KEYS[i], ARGV[a + 3])
        trimmed = trimmed + trim(KEYS[i], most)
        redis.call('EXPIRE', KEYS[i], ttl)
    else
        missing[#missing + 1] = i - 2
    end
end
redis.call('SET', KEYS[1], ARGV[2])
return {{'written', next_offset, trimmed, unpack(missing)}}
"""
"""KEYS: guard, rows…; ARGV: expected offset, next offset, most cells, ttl in s, then (is_new, meta, cells, blocks) of each row.

Answers {status, offset, cells trimmed, index of each row that is absent and must be written whole…}. Status `behind` with
offset -1 means that the guard itself is gone."""

FILL_ROWS = f"""{_ADD_CELLS}
if tonumber(redis.call('GET', KEYS[1]) or '0') ~= tonumber(ARGV[1]) then return 0 end
for i = 2, #KEYS do
    local a = 3 + (i - 2) * 3
    redis.call('DEL', KEYS[i])
    redis.call('HSET', KEYS[i], 'm', ARGV[a])
    add_cells(KEYS[i], ARGV[a + 1])
    add_blocks(KEYS[i], ARGV[a + 2])
    redis.call('EXPIRE', KEYS[i], ARGV[2])
end
return 1
"""
"""KEYS: guard, rows…; ARGV: the offset the guard must have, ttl in s, then (meta, cells, blocks) of each row; replaces
whole rows."""

FILL_IF_ABSENT = f"""{_ADD_CELLS}
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'm', ARGV[2])
add_cells(KEYS[1], ARGV[3])
add_blocks(KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
"""
"""KEYS: row; ARGV: ttl in s, meta, cells, blocks. For readers: a row that a writer made meanwhile is newer, so it stays."""

BURY = """
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'd', '1')
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
"""
"""KEYS: row; ARGV: ttl in s. Leaves a tombstone without META, which reads as no row and which no batch in flight revives."""
