import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RedisServer } from './redis.ts'

export const USERNAME = 'forward-auth'
export const PASSWORD = 'of the user'

const DOCS = join(import.meta.dirname, '../../docs')
const PAGE = join(DOCS, 'redis.md')

/** The commands that docs/redis.md prints, word by word: the user's, and what a Cluster takes beside it. */
export function printedCommands (): readonly string[][] {
  const lines = [...readFileSync(PAGE, 'utf8').matchAll(/^ACL SETUSER .*$/gm)].map(([line]) => line)
  if (lines.length !== 2) throw new Error(`docs/redis.md prints ${lines.length} ACL SETUSER commands, not 2`)
  return lines.map((line) => line.split(' ').map((word) => word === '>PASSWORD' ? `>${PASSWORD}` : word))
}

/** The rights that the page gives, without `+`. */
export const printedRights = (): readonly string[] =>
  printedCommands().flat().filter((word) => word.startsWith('+')).map((word) => word.slice(1))

/** @param without rights that the page calls dispensable */
export async function addPrintedUser (
  redis: RedisServer,
  { isCluster = false, without = [] }: { isCluster?: boolean, without?: readonly string[] } = {}
): Promise<void> {
  for (const [name = '', ...words] of printedCommands().slice(0, isCluster ? 2 : 1)) {
    await redis.cli(name, ...words.filter((word) => !without.includes(word.slice(1))))
  }
}

/** The keys in the table of docs/inside/redis-keys.md: capitals there stand for what differs. */
export function describedKeys (): readonly RegExp[] {
  const table = readFileSync(join(DOCS, 'inside/redis-keys.md'), 'utf8')
  return [...table.matchAll(/`(\{\S+)`/g)].map(
    ([, form = '']) => new RegExp(`^forward-auth:${form.replace(/[{}]/g, '\\$&').replace(/KEY|ORIGIN/, '[\\w-]+')}$`)
  )
}
