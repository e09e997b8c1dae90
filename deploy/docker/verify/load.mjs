// @ts-check
import { request } from 'node:http'

// load.mjs URL COOKIE: some clients ask one after another until SIGTERM; the last line says how many answers were not
// 200, and which
const [url = '', cookie = ''] = process.argv.slice(2)
const CLIENTS = 4
const PAUSE_MS = 20
/** @type {Map<string, number>} */
const answers = new Map()
const end = new AbortController()
process.once('SIGTERM', () => end.abort())

/** @returns {Promise<string>} the status, or what went wrong */
const ask = () => new Promise((resolve) => {
  const outgoing = request(url, { headers: { cookie }, agent: false, timeout: 10_000 }, (answer) => {
    answer.resume().once('end', () => resolve(String(answer.statusCode)))
  })
  outgoing.once('timeout', () => outgoing.destroy(new Error('timeout')))
  outgoing.once('error', ({ message }) => resolve(message))
  outgoing.end()
})

async function client () {
  while (!end.signal.aborted) {
    const answer = await ask()
    answers.set(answer, (answers.get(answer) ?? 0) + 1)
    await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS) })
  }
}

await Promise.all(Array.from({ length: CLIENTS }, client))
const { 200: good = 0, ...others } = Object.fromEntries(answers)
const all = [...answers.values()].reduce((sum, count) => sum + count, 0)
console.log(`${all - good} of ${all} failed${all === good ? '' : ` ${JSON.stringify(others)}`}`)
