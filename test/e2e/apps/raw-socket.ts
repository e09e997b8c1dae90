import { randomBytes } from 'node:crypto'
import { get } from 'node:http'
import type { Socket } from 'node:net'
import type { Test } from 'tap'
import { HOST } from '../../helpers/request.ts'

export type RawSocket = Readonly<{
  say: (text: string) => void
  /** All bytes so far. */
  heard: () => string
  isClosed: () => boolean
}>

/** A WebSocket that answers no close, as a client does that is hung or hostile. */
export async function openRawSocket (t: Test, port: number, cookie: string): Promise<RawSocket> {
  const asked = get({
    host: '127.0.0.1',
    port,
    agent: false,
    headers: {
      host: HOST,
      cookie,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64')
    }
  })
  const [socket, head] = await new Promise<[Socket, Buffer]>((resolve, reject) => {
    asked.once('upgrade', (_response, socket: Socket, head) => { resolve([socket, head]) }).once('error', reject)
  })
  t.teardown(() => { socket.destroy() })
  let text = head.toString('latin1')
  let isClosed = false
  socket.setEncoding('latin1').on('data', (piece: string) => { text += piece })
  socket.on('close', () => { isClosed = true }).on('error', () => {})
  return { say: (text) => { socket.write(frameOf(text)) }, heard: () => text, isClosed: () => isClosed }
}

/** RFC 6455, section 5.2: a text of fewer than 126 bytes, under a mask of zeros. */
const frameOf = (text: string): Buffer => Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0, ...Buffer.from(text)])
