import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import type { HeaderLine } from '../../helpers/request.ts'

type Handshake = Readonly<{ host: string, path: string, headers: readonly HeaderLine[] }>

/** @returns whether the app takes a WebSocket there */
export async function upgrades (port: number, { host, path, headers }: Handshake): Promise<boolean> {
  const lines: readonly HeaderLine[] = [
    ['Host', host], ['Connection', 'Upgrade'], ['Upgrade', 'websocket'], ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', randomBytes(16).toString('base64')], ...headers
  ]
  const asked = request({ host: '127.0.0.1', port, path, headers: lines.flat(), setHost: false, agent: false })
  asked.end()
  const upgraded = once(asked, 'upgrade').then(([, socket]) => { socket.destroy(); return true })
  const answered = once(asked, 'response').then(([response]) => { response.destroy(); return false })
  return await Promise.race([upgraded, answered])
}
