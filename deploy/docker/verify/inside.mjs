// @ts-check
import { readFileSync } from 'node:fs'
import { connect } from 'node:http2'

// Runs inside a container that has Node and no shell: docker exec … node --input-type=module - WHAT ARGUMENT
// <inside.mjs
const [what = '', argument = ''] = process.argv.slice(2)

/** One answer of this replica's own listener over the link's TLS: protocol, status, source. @param {string} cookie */
function verify (cookie) {
  const session = connect('https://127.0.0.1:4180', { ca: readFileSync('/tls/ca.crt'), servername: 'forward-auth' })
  const stream = session.request({ ':path': '/verify', cookie })
  stream.on('response', (headers) =>
    console.log(
      session.alpnProtocol,
      headers[':status'],
      headers['x-forward-auth-source'] ?? headers['x-forward-auth-reason']
    )
  )
  stream.resume().on('close', () => session.close())
}

/**
 * How many TCP connections of others to PORT the kernel remembers here, closed ones of the last minute too.
 * @param {string} port
 */
function connections (port) {
  const hex = `:${Number(port).toString(16).toUpperCase().padStart(4, '0')}`
  const lines = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    readFileSync(file, 'utf8').trim().split('\n').slice(1)
  )
  const sockets = lines
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, local = '', remote = '', state]) =>
        local.endsWith(hex) &&
        state !== '0A' &&
        !/^(0100007F|0{24}0100007F|0000000000000000FFFF00000100007F):/.test(remote)
    )
  console.log(sockets.length)
}

/** Is there a way from here to each of URLS? @param {string} urls */
async function reach (urls) {
  const ask = (/** @type {string} */ url) =>
    fetch(url, { signal: AbortSignal.timeout(1500) }).then(
      ({ status }) => `answered ${status}`,
      () => 'no way'
    )
  console.log((await Promise.all(urls.split(' ').map(ask))).join(', '))
}

/** @param {string} field */
async function ready (field) {
  console.log((await (await fetch('http://127.0.0.1:4181/readyz')).json())[field])
}

await ({ verify, connections, reach, ready }[what] ?? (() => { throw new Error(`unknown: ${what}`) }))(argument)
