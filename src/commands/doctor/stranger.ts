import { type IncomingMessage, request as askHttp } from 'node:http'
import { request as askHttps } from 'node:https'
import { isIP } from 'node:net'

const TIMEOUT_MS = 3_000
const MAX_CHARACTERS = 262_144

/** Asked at an address under the name that clients use, without any credential. */
export type Asked = Readonly<{
  protocol: 'http:' | 'https:'
  hostname: string
  address: string
  port: number
  path: string
}>

export type Heard = Readonly<{
  status: number
  body: string
  location: string | undefined
  /** Of this service, where it answers. */
  reason: string | undefined
}>

/**
 * Sends nothing but the name, so that the certificate need not be a good one.
 * @returns `nobody` where no connection comes about; `not-this-protocol` where the other end does not understand
 */
export async function askStranger (asked: Asked): Promise<Heard | 'nobody' | 'not-this-protocol'> {
  const { protocol, hostname, address, port, path } = asked
  const ask = protocol === 'https:' ? askHttps : askHttp
  return await new Promise((resolve) => {
    let isConnected = false
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const headers = { host: `${hostname}:${port}` }
    const tls = { servername: isIP(hostname) === 0 ? hostname : '', rejectUnauthorized: false }
    const outgoing = ask({ host: address, port, path, headers, agent: false, signal, ...protocol === 'https:' && tls })
    outgoing.once('socket', (socket) => socket.once('connect', () => { isConnected = true }))
    outgoing.on('error', () => { resolve(isConnected ? 'not-this-protocol' : 'nobody') })
    // the one sign of an upgrade that nobody asked for
    outgoing.once('close', () => { resolve('not-this-protocol') })
    outgoing.once('response', (answer) => { resolve(read(answer)) })
    outgoing.end()
  })
}

async function read (answer: IncomingMessage): Promise<Heard | 'not-this-protocol'> {
  const { statusCode: status = 0, headers: { location, 'x-forward-auth-reason': reason } } = answer
  const body = await beginningOf(answer)
  // what TLS servers answer to plain HTTP
  if (status === 400 && /https/i.test(body)) return 'not-this-protocol'
  return { status, body, location, reason: reason?.toString() }
}

/** A page may never end. */
async function beginningOf (answer: IncomingMessage): Promise<string> {
  let text = ''
  try {
    answer.setEncoding('utf8')
    for await (const part of answer) {
      text += String(part)
      if (text.length > MAX_CHARACTERS) break
    }
  } catch { /* cut off: what came counts */ }
  return text
}
