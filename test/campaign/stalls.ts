import { readFileSync } from 'node:fs'
import { now, type HistoryEvent, type Stalled } from './history.ts'

const EVERY_MS = 20
const STALL_MS = 25

/** Notes each time that this process' event loop stood still. @returns what ends it */
export function watchOwnStalls (note: (event: HistoryEvent) => void): () => void {
  let last = now()
  const timer = setInterval(() => {
    const at = now()
    if (at - last > EVERY_MS + STALL_MS) note({ kind: 'stall', who: 'harness', at: last + EVERY_MS, endedAt: at })
    last = at
  }, EVERY_MS)
  return () => clearInterval(timer)
}

/** What a replica's hook wrote since the last time. */
export function createStallReader (file: string, who: Stalled): () => readonly HistoryEvent[] {
  let read = 0
  return () => {
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
    const fresh = lines.slice(read)
    read = lines.length
    return fresh.map((line) => {
      const [at = 0, endedAt = 0] = line.split(' ').map(Number)
      return { kind: 'stall', who, at, endedAt }
    })
  }
}
