import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Test } from 'tap'

export interface NameServer {
  readonly port: number
  /** What it answers from now on; until it was asked twice more: by then the answer before has been taken over. */
  become (addresses: readonly string[]): Promise<void>
}

const HEADER_BYTES = 12
/** Response, recursion available, no error. */
const FLAGS = 0x8180
/** A pointer to the question's name, type A, class IN, no time to live, four bytes. */
const RECORD = Buffer.from('c00c00010001000000000004', 'hex')

/** Answers every question for an IPv4 address with those that it was given. RFC 1035, section 4 */
export async function startNameServer (t: Test, first: readonly string[]): Promise<NameServer> {
  let addresses = first
  let asked = (): void => {}
  const socket = createSocket('udp4')
  socket.on('message', (question, from) => {
    socket.send(answer(question, addresses), from.port, from.address)
    asked()
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => { socket.close() })
  return {
    port: socket.address().port,
    become: async (next) => {
      addresses = next
      for (let i = 0; i < 2; i++) await new Promise<void>((resolve) => { asked = resolve })
    }
  }
}

function answer (question: Buffer, addresses: readonly string[]): Buffer {
  const end = question.indexOf(0, HEADER_BYTES) + 5
  const head = Buffer.from(question.subarray(0, end))
  head.writeUInt16BE(FLAGS, 2)
  head.writeUInt16BE(addresses.length, 6)
  head.fill(0, 8, HEADER_BYTES)
  return Buffer.concat([head, ...addresses.flatMap((one) => [RECORD, Buffer.from(one.split('.').map(Number))])])
}
