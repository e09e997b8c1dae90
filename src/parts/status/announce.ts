import type { RedisCommands } from '../../base/redis/commands.ts'

/** `most`: how many replicas' words are read back. */
export type Announcement = Readonly<{ id: string, says: string, windowMs: number, most: number }>
export type Announced = Readonly<{ count: number, newest: ReadonlyArray<readonly [id: string, says: string]> }>

/**
 * A stream, since a user with the rights for the revocation log may use one; more than 1,000 entries are no replicas of
 * ours.
 */
const ANNOUNCE = `
-- trimmed first: after that it may be written to out of memory
local now = redis.call('time')
redis.call('xtrim', KEYS[1], 'MINID', string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000) - tonumber(ARGV[2])))
redis.call('xtrim', KEYS[1], 'MAXLEN', 999)
redis.call('xadd', KEYS[1], '*', 'name', ARGV[1], 'says', ARGV[3])
local says, names, newest = {}, {}, {}
for _, entry in ipairs(redis.call('xrange', KEYS[1], '-', '+')) do
  local fields = entry[2]
  local name = fields[2]
  if name then
    if not says[name] then names[#names + 1] = name end
    says[name] = fields[4] or ''
  end
end
-- the same ones each time, where they are too many
table.sort(names)
for at = 1, math.min(#names, tonumber(ARGV[4])) do
  -- what a stranger writes there is cut short
  newest[2 * at - 1] = string.sub(names[at], 1, 64); newest[2 * at] = string.sub(says[names[at]], 1, 300)
end
return {#names, newest}`

/**
 * Announces `id` and what it says.
 * @returns how many ids were announced within the last `windowMs`, by the server's clock, and what `most` of them say
 */
export async function announce (
  { evaluate }: Pick<RedisCommands, 'evaluate'>, key: string, { id, says, windowMs, most }: Announcement
): Promise<Announced> {
  const [count, flat] = await evaluate(ANNOUNCE, key, id, windowMs, says, most) as readonly [number, readonly string[]]
  const newest = flat.flatMap((one, at) => at % 2 === 0 ? [[one, flat[at + 1] ?? ''] as const] : [])
  return { count: Number(count), newest }
}
