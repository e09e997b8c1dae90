import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { MANAGEMENT_TOKEN } from './in-process.ts'
import type { Service } from './process.ts'

/** A connection to the management listener. */
export async function openManagement ({ managementUrl }: Service): Promise<Socket> {
  const socket = connect(Number(new URL(managementUrl).port), '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

/** Writes a whole request, and leaves without the answer. */
export async function giveUp (socket: Socket, line: string, body = ''): Promise<void> {
  const head = [
    `${line} HTTP/1.1`, 'Host: localhost', `Authorization: Bearer ${MANAGEMENT_TOKEN}`,
    `Content-Length: ${body.length}`, ...body === '' ? [] : ['Content-Type: application/json']
  ]
  await new Promise((resolve) => socket.write(`${head.join('\r\n')}\r\n\r\n${body}`, resolve))
  socket.destroy()
  await once(socket, 'close')
}

/** The log's word for what a client gave up. */
export const GIVEN_UP = 'the client disconnected before this change was made'
