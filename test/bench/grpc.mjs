// One run of gRPC checks, for load.mjs: the same call over and over on so many streams at once, over few connections,
// as Envoy has one for each thread. Usage: node grpc.mjs '{"url":…,"message":base64,"answer":base64,"clients":32,
// "seconds":2}'. It writes and reads frames of HTTP/2 (RFC 9113) as bytes, so that it costs less than what it asks.
import { connect } from 'node:net'
import {
  ACK, AGAIN, connectionStart, DATA, END_HEADERS, END_STREAM, firstHead, frame, framed, framesTo, GOAWAY, HEADERS, PING,
  RST_STREAM, SETTINGS
} from './grpc-frame.mjs'

const CONNECTIONS = 4

const { url, message, answer, clients, seconds } = JSON.parse(process.argv[2])
const [sent, expected] = [message, answer].map((text) => framed(Buffer.from(text, 'base64')))
const { hostname, port, host } = new URL(url)
const first = firstHead(host)
const latencies = []
let refused = 0

const started = performance.now()
const ends = started + seconds * 1000
await Promise.all(Array.from({ length: CONNECTIONS }, () => run(clients / CONNECTIONS)))
const elapsed = (performance.now() - started) / 1000
latencies.sort((a, b) => a - b)
const at = (share) => latencies[Math.floor(latencies.length * share)]
const requests = latencies.length
process.stdout.write(JSON.stringify({ requests, rate: requests / elapsed, p50: at(0.5), p99: at(0.99), refused }))

/** One connection, until its last answer has come. */
function run (streams) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port, noDelay: true })
    const calls = callsOn(socket, () => { socket.destroy(); resolve() })
    socket.on('error', reject).on('close', () => reject(new Error(`${url} closed the connection`)))
    const read = framesTo((type, flags, stream, payload) => {
      if (type === GOAWAY) reject(new Error(`${url} sent GOAWAY`))
      else if (type === SETTINGS && (flags & ACK) === 0) socket.write(frame(SETTINGS, ACK, 0))
      else if (type === PING && (flags & ACK) === 0) socket.write(frame(PING, ACK, 0, payload))
      else if (stream !== 0) calls.got(type, flags, stream, payload)
    })
    socket.on('data', (bytes) => { socket.cork(); read(bytes); socket.uncork() })
    socket.write(connectionStart())
    for (let index = 0; index < streams; index++) calls.begin()
  })
}

/** The calls of a connection; each that ends is followed by another, until the time is over. */
function callsOn (socket, done) {
  const open = new Map()
  let next = 1

  function begin () {
    open.set(next, { began: performance.now(), isAnswered: false })
    socket.write(Buffer.concat([
      frame(HEADERS, END_HEADERS, next, next === 1 ? first : AGAIN), frame(DATA, END_STREAM, next, sent)
    ]))
    next += 2
  }

  function got (type, flags, stream, payload) {
    const call = open.get(stream)
    if (call === undefined) return
    if (type === DATA) call.isAnswered = payload.equals(expected)
    const isEnd = type === RST_STREAM || ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0)
    if (!isEnd) return
    open.delete(stream)
    latencies.push(performance.now() - call.began)
    // trailers end what gRPC answers
    if (!call.isAnswered || type !== HEADERS) refused++
    if (performance.now() < ends) begin()
    else if (open.size === 0) done()
  }
  return { begin, got }
}
