import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Test } from 'tap'
import { makeOwnCert } from '../../helpers/own-cert.ts'
import { ask } from '../../helpers/request.ts'
import { startBefore, startOneReplica } from '../one-replica.ts'
import { ALICE } from '../people.ts'
import type { Edits } from '../proxy.ts'
import { swap } from '../snippets.ts'
import { shipped, type Case } from './case.ts'

// a name: BoringSSL verifies no certificate of an authority that is constrained to an address
const NAME = 'localhost'

export const tls: readonly Case[] = [{
  name: 'it asks over TLS, with --forward-auth https://…, and believes the certificate for that name only',
  only: (proxy) => !proxy.tls && (shipped(proxy) || proxy.grpc === true),
  async run (t, { authgear }, proxy) {
    const edits = proxy.server === 'haproxy' ? await findingNames(t) : {}
    const start = async (certified: string, ready: number) => {
      const tls = makeOwnCert(t, certified)
      const replica = await startOneReplica(t, {}, { authgear, grpc: proxy.grpc === true, tls })
      return await startBefore(t, proxy, replica, { edits, forwardAuthHost: NAME, options: ['--login'], ready })
    }

    const right = await start(NAME, 401)
    t.equal((await ask(right.port)).status, 401)
    t.equal((await ask(right.port, { headers: [['Cookie', ALICE.cookie]] })).status, 200)
    t.strictSame(right.app.lastHeader('x-authgear-user-id'), [ALICE.id])
    t.match(await ask(right.port, { path: '/_auth/login' }), {
      status: 404, headers: { 'x-forward-auth-reason': 'not_found' }
    })

    const wrong = await start('other.example.com', proxy.facts.adapterDown)
    t.equal((await ask(wrong.port, { headers: [['Cookie', ALICE.cookie]] })).status, proxy.facts.adapterDown)
    t.ok((await ask(wrong.port, { path: '/_auth/login' })).status >= 500)
    t.equal(wrong.app.received.length, 0)
  }
}]

/**
 * HAProxy's HTTP client asks the name servers of resolv.conf, which know no localhost: one of this test's that knows
 * nothing else.
 */
async function findingNames (t: Test): Promise<Edits> {
  const server = createSocket('udp4').on('message', (query, { port, address }) =>
    server.send(answerTo(query), port, address)
  )
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const resolvers = `resolvers default\n    nameserver test 127.0.0.1:${server.address().port}\n\ndefaults\n`
  return { 'haproxy.cfg': written => swap(written, 'defaults\n', resolvers) }
}

/** 127.0.0.1 for an IPv4 address (RFC 1035, type 1), nothing for anything else. */
function answerTo (query: Buffer): Buffer {
  const end = query.indexOf(0, 12) + 5
  const found = query.readUInt16BE(end - 4) === 1
  const head = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x81, 0x80, 0, 1, 0, found ? 1 : 0, 0, 0, 0, 0])
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1])
  return Buffer.concat([head, query.subarray(12, end), ...found ? [record] : []])
}
