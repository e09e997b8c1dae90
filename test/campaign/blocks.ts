import { setTimeout as sleep } from 'node:timers/promises'
import { checkClient, type Client } from './clients.ts'
import { now, type Said } from './history.ts'
import { MANAGEMENT_TOKEN } from './purge.ts'
import type { Pick } from './random.ts'
import { SETTINGS } from './situations.ts'
import type { World } from './world.ts'

const ATTEMPTS = 400
const BETWEEN_MS = 100
const PATIENCE_MS = 3000
/** Of one who gives a lift up: that replica may be frozen for a while yet. */
const IMPATIENCE_MS = 300
/** Milliseconds between two looks at a client whose word has changed, and how long. */
const WATCH_MS = { each: 150, inAll: 7000 } as const

/**
 * Blocks a client, or lifts its block; one who gives up a lift that was not acknowledged blocks again. Where a replica
 * is frozen, the lift that is given up goes to it, and is read when it thaws.
 */
export async function changeBlock (world: World, client: Client, pick: Pick, isOver: () => boolean): Promise<void> {
  client.isBusy = true
  try {
    const word = client.isBlocked ? 'lift' : 'block'
    const isOneTry = word === 'lift' && pick(2) === 0
    const isKept = await say(world, client, word, pick, isOneTry ? 1 : ATTEMPTS)
    if (!isKept && word === 'lift') await say(world, client, 'block', pick, ATTEMPTS)
    else client.isBlocked = word === 'block'
    await watch(world, client, isOver)
  } finally {
    client.isBusy = false
  }
}

/** At one replica after the other, until it is acknowledged. @returns whether it was */
async function say (world: World, { id }: Client, word: Said, pick: Pick, attempts: number): Promise<boolean> {
  const frozen = attempts === 1 ? world.replicas.findIndex(({ isFrozen }) => isFrozen) : -1
  const [chance, patienceMs] = [pick(SETTINGS.replicas), frozen === -1 ? PATIENCE_MS : IMPATIENCE_MS]
  const first = frozen === -1 ? chance : frozen
  world.note({ kind: 'said', client: id, word, at: now() })
  for (let attempt = 0; attempt < attempts; attempt++) {
    const index = (first + attempt) % SETTINGS.replicas
    const status = await tell(world, index, id, word, patienceMs)
    const at = now()
    if (status === 200 || status === 503) world.note({ kind: 'heard', client: id, word, replica: index, at })
    if (status === 200) {
      world.note({ kind: 'kept', client: id, word, at })
      return true
    }
    if (attempt + 1 < attempts) await sleep(BETWEEN_MS)
  }
  return false
}

async function tell (
  { replicas }: World,
  index: number,
  clientId: string,
  word: Said,
  patienceMs: number
): Promise<number> {
  const replica = replicas[index]
  if (replica?.isUp !== true) return 0
  const answer = await replica.manage({
    method: word === 'block' ? 'PUT' : 'DELETE',
    path: `/clients/${clientId}/block`,
    headers: [['Authorization', `Bearer ${MANAGEMENT_TOKEN}`], ['Content-Length', '0']],
    signal: AbortSignal.timeout(patienceMs)
  }).catch(() => undefined)
  return answer?.status ?? 0
}

async function watch (world: World, client: Client, isOver: () => boolean): Promise<void> {
  for (const began = now(); !isOver() && now() - began < WATCH_MS.inAll;) {
    await Promise.all(world.replicas.map((_, index) => checkClient(world, index, client)))
    await sleep(WATCH_MS.each)
  }
}
