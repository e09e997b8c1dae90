-- The one writer of the revocations (docs/inside/revocation-protocol.md). Both keys are in one slot and never expire.
-- KEYS[1]  the stream
-- KEYS[2]  head: a hash of gen, id and nonce of the newest entry, of replid: the replication history it belongs to, and
--          of the last trim: since, the milliseconds before which entries went, and first, the oldest id that it left
-- ARGV[1]  'append', 'change', 'confirm' or 'trim'
-- ARGV[2]  the generation that the caller believes to be current; '' = it saw none; trim: ignored
-- ARGV[3]  append, trim: retention in milliseconds; confirm: the nonce of the head; change: ignored
-- ARGV[4]  append: the nonce of the head that the first entry follows
-- ARGV[5…] append, change: the entries, each as a number, and so many names and values of EntryCodec in their order
-- Returns {1, id} where the caller's entries were written; {0, current generation or ''} where it is behind;
-- {2, nonce} where another entry is the head; {3, error} where the stream takes no entry any more;
-- trim, confirm: a number.
local KEEP = 1000
local SIZE = 25 -- at least: the number, and the names and values of one entry of EntryCodec

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

local function milliseconds(entry) return tonumber(string.match(entry[1], '^(%d+)-')) end

-- By Redis' own time, and never the newest 1,000
local function trim()
  local length = read('XLEN', KEYS[1])
  if not length or length <= KEEP then return 0 end
  local now = redis.call('TIME')
  local oldest = (now[1] * 1000 + math.floor(now[2] / 1000)) - tonumber(ARGV[3])
  if milliseconds(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]) >= oldest then return 0 end
  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', KEEP)
  local kept = newest[#newest]
  local from = oldest < milliseconds(kept) and string.format('%.0f', oldest) or kept[1]
  local trimmed = redis.call('XTRIM', KEYS[1], 'MINID', from)
  local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  redis.call('HSET', KEYS[2], 'since', string.match(from, '^%d+'), 'first', first[1])
  return trimmed
end

-- Out of memory a server refuses a script's first write if it may take memory, and none after one that may not:
-- so XTRIM or DEL come first, also where they find nothing. Redis 6.2 knows no other way (`allow-oom` is of Redis 7).
if ARGV[1] == 'trim' then return trim() end

local current, tail = read('HGET', KEYS[2], 'gen') or '', read('HGET', KEYS[2], 'nonce') or ''
if current ~= ARGV[2] then return {0, current} end

if ARGV[1] == 'confirm' then
  if tail ~= ARGV[3] then return 0 end
  redis.call('XTRIM', KEYS[1], 'MINID', '0')
  return redis.call('HSET', KEYS[2], 'replid', replid())
end

if ARGV[1] == 'change' then
  redis.call('DEL', KEYS[1], KEYS[2])
elseif current == '' then
  return {0, ''}
elseif tail ~= ARGV[4] then
  return {2, tail}
else
  local length = read('XLEN', KEYS[1])
  if not length then return {3, 'WRONGTYPE'} end
  redis.call('XTRIM', KEYS[1], 'MINID', '0')
  if length % 100 < (#ARGV - 4) / SIZE then trim() end
end

local id, gen, nonce = '', '', ''
local count = 5
while count <= #ARGV do
  local first, last = count + 1, count + tonumber(ARGV[count])
  local reply = redis.pcall('XADD', KEYS[1], '*', unpack(ARGV, first, last))
  if type(reply) == 'table' and reply.err then return {3, reply.err} end
  id, gen, nonce = reply, ARGV[first + 1], ARGV[first + 3]
  redis.call('HSET', KEYS[2], 'gen', gen, 'id', id, 'nonce', nonce)
  count = last + 1
end
if ARGV[1] == 'change' then redis.call('HSET', KEYS[2], 'replid', replid()) end
return {1, id}
