import { createServer } from 'node:net'

// Below Linux's ephemeral range (32768–60999): no outgoing connection can take a port while its server is being
// restarted.
const LOWEST = 10_000
const HIGHEST = 32_000

// test files that run at the same time have ports of their own: between the look and the start another one could take
// it
const JOBS = 10 // test/run/pool.ts runs eight; the campaign's two sides have the others
const JOB = Number(process.env['TAP_JOB_ID'] ?? 0) % JOBS

/** The one port of this range that `fetch` refuses (https://fetch.spec.whatwg.org/#port-blocking). */
const BLOCKED = 10_080

const given = new Set<number>([BLOCKED])

/** A TCP port of 127.0.0.1 that nobody listens on, and that nobody was given before. */
export async function freePort (): Promise<number> {
  const port = LOWEST + JOB + JOBS * Math.floor(Math.random() * (HIGHEST - LOWEST) / JOBS)
  if (given.has(port) || !await isFree(port)) return freePort()
  given.add(port)
  return port
}

function isFree (port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
