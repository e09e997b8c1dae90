-- The one writer of the revocations (docs/inside/revocation-protocol.md). Both keys are in one slot and never expire.
-- KEYS[1]  the stream
-- KEYS[2]  head: a hash of log, the log's random name, of replid, the replication history in which it was begun, of
--          count, how many entries the stream must have, and of since, the milliseconds from which on none is missing
-- ARGV[1]  'append', 'begin' or 'trim'
-- ARGV[2]  the name of the log that the caller reads; '' = it saw none; trim: ignored
-- ARGV[3]  append, trim: retention in milliseconds; begin: the name of the new log
-- ARGV[4…] append: the entries, each as the names and values of EntryCodec in this order
-- Returns {1} where it was written; {0, current name or ''} where the caller is behind; {3, error} where the stream
-- takes no entry any more; trim: a number.
local KEEP = 1000
local SIZE = 16 -- names and values of one entry: EntryCodec

-- A key of another type holds nothing.
local function read(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then return false end
  error(reply.err)
end

-- Another one after a restart, a restored snapshot or a promotion; '' where our user may not ask.
local function replid()
  local info = redis.pcall('INFO', 'replication')
  return type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or ''
end

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function milliseconds(entry) return tonumber(string.match(entry[1], '^(%d+)-')) end

local function count(more)
  local known = tonumber(redis.call('HGET', KEYS[2], 'count')) or 0
  redis.call('HSET', KEYS[2], 'count', string.format('%.0f', known + more))
end

-- By Redis' own time, and never the newest 1,000: a clock that jumps drops nothing that is not read yet.
local function trim()
  local length = read('XLEN', KEYS[1])
  if not length or length <= KEEP then return 0 end
  local oldest = now() - tonumber(ARGV[3])
  if milliseconds(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]) >= oldest then return 0 end
  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', KEEP)
  local kept = newest[#newest]
  local from = oldest < milliseconds(kept) and string.format('%.0f', oldest) or kept[1]
  local trimmed = redis.call('XTRIM', KEYS[1], 'MINID', from)
  redis.call('HSET', KEYS[2], 'since', string.match(from, '^%d+'))
  count(-trimmed)
  return trimmed
end

-- Out of memory a server refuses a script's first write if it may take memory, and none after one that may not:
-- so XTRIM or DEL come first, also where they find nothing. Redis 6.2 knows no other way (`allow-oom` is of Redis 7).
if ARGV[1] == 'trim' then return trim() end

local current = read('HGET', KEYS[2], 'log') or ''
if current ~= ARGV[2] then return {0, current} end

if ARGV[1] == 'begin' then
  redis.call('DEL', KEYS[1], KEYS[2])
  -- an empty stream, not none: while a slot moves, a node of a Cluster answers about two keys only if it has both
  redis.call('XADD', KEYS[1], '*', 'log', '')
  redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)
  redis.call('HSET', KEYS[2], 'log', ARGV[3], 'replid', replid(), 'count', 0, 'since', string.format('%.0f', now()))
  return {1}
end

local length = read('XLEN', KEYS[1])
if current == '' or not length then return {3, 'no log'} end
redis.call('XTRIM', KEYS[1], 'MINID', '0')
if length % 100 < (#ARGV - 3) / SIZE then trim() end
for first = 4, #ARGV, SIZE do
  local reply = redis.pcall('XADD', KEYS[1], '*', unpack(ARGV, first, first + SIZE - 1))
  if type(reply) == 'table' and reply.err then return {3, reply.err} end
  count(1)
end
return {1}
