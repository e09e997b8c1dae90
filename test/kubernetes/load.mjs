// A signed-in client's requests over ten connections, at least so many and until the file is there:
// load.mjs URL HOST LEAST FILE. Prints how many there were, and each answer but 200 with its count.
import { existsSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { setTimeout } from 'node:timers/promises'

const [, , url, host, least, file] = process.argv
const agent = new Agent({ keepAlive: true, maxSockets: 10 })
const counts = new Map()
let sent = 0

const ask = () => new Promise((resolve) => {
  const asked = request(url, { agent, headers: { host, cookie: 'session=user' } }, (response) => {
    response.resume().on('end', () => resolve(response.statusCode)).on('error', ({ code }) => resolve(code))
  })
  asked.on('error', ({ code }) => resolve(code)).end()
})

async function client () {
  while (sent < Number(least) || !existsSync(file)) {
    sent++
    const answer = await ask()
    counts.set(answer, (counts.get(answer) ?? 0) + 1)
    // leaves the machine to the cluster
    await setTimeout(20)
  }
}

await Promise.all(Array.from({ length: 10 }, client))
agent.destroy()
const allowed = counts.get(200) ?? 0
counts.delete(200)
console.log(`${sent} requests, ${sent - allowed} failed ${JSON.stringify(Object.fromEntries(counts))}`)
