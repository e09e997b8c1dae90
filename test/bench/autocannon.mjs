// One run of autocannon, for load.mjs where there is no wrk. Usage: node autocannon.mjs '{"url":…,"headers":["Name:
// value"],"clients":32,"seconds":2,"script":"cold","body":"…"}'
import autocannon from 'autocannon'

const { url, headers, clients, seconds, script, body } = JSON.parse(process.argv[2])
const lines = Object.fromEntries(
  headers.map((line) => {
    const at = line.indexOf(': ')
    return [line.slice(0, at), line.slice(at + 2)]
  })
)

/** The same tokens as wrk's scripts. */
let count = script === 'cold' ? Date.now() % 100_000 * 10_000_000 : 0
const TOKENS = {
  many: () => `manyTokensOfTheBench${String(++count % 20_000).padStart(12, '0')}`,
  rotate: () => `rotatingTokenOfTheBench${String(++count % 64).padStart(9, '0')}`,
  cold: () => `coldTokenOfTheBench${String(++count).padStart(13, '0')}`
}
const setupRequest = (request) => ({
  ...request,
  headers: { ...request.headers, authorization: `Bearer ${TOKENS[script]()}` }
})

const result = await autocannon({
  url,
  connections: clients,
  duration: seconds,
  headers: lines,
  ...(body === undefined ? {} : { method: 'POST', body }),
  requests: [script === undefined ? {} : { setupRequest }]
})
process.stdout.write(JSON.stringify({
  requests: result.requests.total,
  rate: result.requests.total / result.duration,
  p50: result.latency.p50,
  p99: result.latency.p99,
  refused: result.non2xx
}))
