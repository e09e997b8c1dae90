import { createServer } from 'node:net'

// Below Linux's ephemeral range (32768–60999): no outgoing connection can take a port while its server is being restarted.
const LOWEST = 10_000
const HIGHEST = 32_000

const given = new Set<number>()

/** A TCP port of 127.0.0.1 that nobody listens on, and that nobody was given before. */
export async function freePort (): Promise<number> {
  const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
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
