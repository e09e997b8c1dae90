-- The one writer of the revocation log (docs/revocation-protocol.md). Both keys are in one slot and never expire.
-- KEYS[1]  the stream
-- KEYS[2]  head: a hash of gen, id, nonce of the newest entry
-- ARGV[1]  'append', 'change' or 'trim'
-- ARGV[2]  the generation that the caller believes to be current; '' = it saw none; trim: ignored
-- ARGV[3]  append, trim: retention in milliseconds; change: ignored
-- ARGV[4…] append, change: name, value, … of the new entry, with its nonce under 'nonce' and its generation under 'gen'
-- Returns {1, id} where it was written; {0, current generation or ''} where the caller is behind; trim: how many went.
local KEEP = 1000

local function milliseconds(entry) return tonumber(string.match(entry[1], '^(%d+)-')) end

-- By Redis' own time, and never the newest 1,000
local function trim()
  if redis.call('XLEN', KEYS[1]) <= KEEP then return 0 end
  local now = redis.call('TIME')
  local oldest = (now[1] * 1000 + math.floor(now[2] / 1000)) - tonumber(ARGV[3])
  if milliseconds(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]) >= oldest then return 0 end
  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', KEEP)
  local kept = newest[#newest]
  return redis.call('XTRIM', KEYS[1], 'MINID', oldest < milliseconds(kept) and string.format('%.0f', oldest) or kept[1])
end

-- Out of memory a server refuses a script's first write if it may take memory, and none after one that may not:
-- so XTRIM or DEL come first, also where they find nothing. Redis 6.2 knows no other way (`allow-oom` is of Redis 7).
if ARGV[1] == 'trim' then return trim() end

local current = redis.call('HGET', KEYS[2], 'gen') or ''
if current ~= ARGV[2] then return {0, current} end
if ARGV[1] == 'append' and current == '' then return {0, ''} end

local fields, nonce, gen = {}, '', ''
for i = 4, #ARGV, 2 do
  fields[#fields + 1] = ARGV[i]
  fields[#fields + 1] = ARGV[i + 1]
  if ARGV[i] == 'nonce' then nonce = ARGV[i + 1] end
  if ARGV[i] == 'gen' then gen = ARGV[i + 1] end
end

local previous = redis.call('HGET', KEYS[2], 'nonce') or ''
if ARGV[1] == 'change' then
  redis.call('DEL', KEYS[1])
  previous = ''
else
  redis.call('XTRIM', KEYS[1], 'MINID', '0')
  if redis.call('XLEN', KEYS[1]) % 100 == 0 then trim() end
end
fields[#fields + 1] = 'prev'
fields[#fields + 1] = previous
local id = redis.call('XADD', KEYS[1], '*', unpack(fields))
redis.call('HSET', KEYS[2], 'gen', gen, 'id', id, 'nonce', nonce)
return {1, id}
