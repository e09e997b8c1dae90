import type { RedisCommands } from '../../../base/redis/commands.ts'

/**
 * A queue in one value: lines of `name since due payload`, in milliseconds of Redis' clock. `GET`, `SET`, `DEL` and
 * `TIME` are all that its user may do. What is no such line is nobody's, and is left out at the next write. DEL comes
 * before SET: after that a script may write out of memory.
 */
const READ = `
local clock = redis.call('time')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local value = redis.pcall('get', KEYS[1])
local lines = {}
for name, since, due, payload in string.gmatch(type(value) == 'string' and value or '', '(%S+) (%d+) (%d+) (%S+)') do
  lines[#lines + 1] = {name, tonumber(since), tonumber(due), payload}
end
local function write(life)
  local texts = {}
  for at, line in ipairs(lines) do texts[at] = string.format('%s %.0f %.0f %s', line[1], line[2], line[3], line[4]) end
  redis.call('del', KEYS[1])
  if #texts > 0 then redis.call('set', KEYS[1], table.concat(texts, '\\n'), 'PX', life) end
end
`

/** ARGV: name, payload, milliseconds until it is due, how many there may be (the oldest go), life in milliseconds. */
const ADD = `${READ}
while #lines >= tonumber(ARGV[4]) do table.remove(lines, 1) end
lines[#lines + 1] = {ARGV[1], now, now + tonumber(ARGV[3]), ARGV[2]}
write(ARGV[5])
return 1`

/**
 * ARGV: how many, least milliseconds until they are due again, life in milliseconds. Who takes some has them for that
 * time, or for as long as they have waited already. @returns name, payload, name, payload …
 */
const TAKE = `${READ}
local taken, kept = {}, {}
for _, line in ipairs(lines) do
  local age = math.max(0, now - line[2])
  if age < tonumber(ARGV[3]) then
    kept[#kept + 1] = line
    -- a clock that was set back: nothing waits for it
    local isDue = line[3] <= now or line[2] > now
    if isDue and #taken < 2 * tonumber(ARGV[1]) then
      taken[#taken + 1] = line[1]; taken[#taken + 1] = line[4]
      line[2] = math.min(line[2], now)
      line[3] = now + math.max(tonumber(ARGV[2]), age)
    end
  end
end
if #taken > 0 then lines = kept; write(ARGV[3]) end
return taken`

/** ARGV: life in milliseconds, name … */
const REMOVE = `${READ}
local gone, kept = {}, {}
for at = 2, #ARGV do gone[ARGV[at]] = true end
for _, line in ipairs(lines) do if not gone[line[1]] then kept[#kept + 1] = line end end
if #kept < #lines then lines = kept; write(ARGV[1]) end
return 1`

/** One line; name and payload hold no blank. */
type Line = Readonly<{ name: string, payload: string }>
type NewLine = Line & Readonly<{ dueMs: number, max: number, lifeMs: number }>

/** Queues by their key: each call rejects where Redis does not answer. */
export type Queue = ReturnType<typeof createQueue>

export function createQueue ({ evaluate }: Pick<RedisCommands, 'evaluate'>) {
  return Object.freeze({
    /** @param dueMs from now @param max how many there may be: the oldest go */
    add: async (key: string, { name, payload, dueMs, max, lifeMs }: NewLine): Promise<void> => {
      await evaluate(ADD, key, name, payload, dueMs, max, lifeMs)
    },
    /** @returns what is due, which no other replica gets for `againMs`, or for as long as it has waited */
    take: async (key: string, most: number, againMs: number, lifeMs: number): Promise<readonly Line[]> => {
      const flat = await evaluate(TAKE, key, most, againMs, lifeMs) as readonly string[]
      return flat.flatMap((name, at) => at % 2 === 0 ? [{ name, payload: flat[at + 1] ?? '' }] : [])
    },
    remove: async (key: string, lifeMs: number, names: readonly string[]): Promise<void> => {
      await evaluate(REMOVE, key, lifeMs, ...names)
    }
  })
}
