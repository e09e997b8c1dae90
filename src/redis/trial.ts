/**
 * Each command of the cache and of the revocation log that may stand in a script. KEYS: a value, a stream, a hash, all in one
 * slot; none is left behind. Returns name, refusal, name, refusal … of those that were refused.
 */
export const TRIAL = `
local refused = {}
local function try(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    refused[#refused + 1] = (select(1, ...))
    refused[#refused + 1] = reply.err
  end
end

try('SET', KEYS[1], 'x', 'PX', '1000')
try('GET', KEYS[1])
try('PTTL', KEYS[1])
try('TIME')
try('XADD', KEYS[2], '*', 'a', 'b')
try('XLEN', KEYS[2])
try('XRANGE', KEYS[2], '-', '+', 'COUNT', '1')
try('XREVRANGE', KEYS[2], '+', '-', 'COUNT', '1')
try('XREAD', 'COUNT', '1', 'STREAMS', KEYS[2], '0')
try('XTRIM', KEYS[2], 'MINID', '0')
try('HSET', KEYS[3], 'a', 'b')
try('HGET', KEYS[3], 'a')
try('HMGET', KEYS[3], 'a')
for _, key in ipairs(KEYS) do try('DEL', key) end
return refused
`
