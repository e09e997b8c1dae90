-- The one writer of the revocation log (docs/revocation-protocol.md). Both keys are in one slot and never expire.
-- KEYS[1]  the stream
-- KEYS[2]  head: a hash of gen, id, nonce of the newest entry
-- ARGV[1]  'append' or 'change'
-- ARGV[2]  the generation that the caller believes to be current; '' = it saw none
-- ARGV[3]  append: retention in milliseconds; change: ignored
-- ARGV[4…] name, value, … of the new entry, with its nonce under 'nonce' and its generation under 'gen'
-- Returns {1, id} where it was written; {0, current generation or ''} where the caller is behind.
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
end
fields[#fields + 1] = 'prev'
fields[#fields + 1] = previous
local id = redis.call('XADD', KEYS[1], '*', unpack(fields))
redis.call('HSET', KEYS[2], 'gen', gen, 'id', id, 'nonce', nonce)

-- Trimmed by Redis' own time, now and then, and never the newest 1,000
if ARGV[1] == 'append' and redis.call('XLEN', KEYS[1]) % 100 == 0 and redis.call('XLEN', KEYS[1]) > 1000 then
  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1000)
  local kept = newest[#newest][1]
  local now = redis.call('TIME')
  local oldest = (now[1] * 1000 + math.floor(now[2] / 1000)) - tonumber(ARGV[3])
  local kept_ms = tonumber(string.match(kept, '^(%d+)-'))
  if oldest < kept_ms then redis.call('XTRIM', KEYS[1], 'MINID', string.format('%.0f', oldest))
  else redis.call('XTRIM', KEYS[1], 'MINID', kept) end
end
return {1, id}
