import { once } from 'node:events'
import { createServer, request, type IncomingMessage } from 'node:http'
import type { Test } from 'tap'
import { listenFree } from '../../helpers/listen-free.ts'
import { HOST, type HeaderLine } from '../../helpers/request.ts'
import { LOAD_BALANCER, type BehindProxy } from '../behind-proxy.ts'
import { startBefore } from '../one-replica.ts'
import { BOB } from '../people.ts'
import type { Edits, Proxy } from '../proxy.ts'
import { swap } from '../snippets.ts'
import { shipped, type Case } from './case.ts'

// Linux: every address of 127.0.0.0/8 is this machine's, so that one can be the client's and another the load
// balancer's
const CLIENT = '127.0.0.5'
const PROXY = '127.0.0.1'
const SPOOFED = '203.0.113.9'

const SPOOFS: ReadonlyArray<readonly HeaderLine[]> = [
  [],
  [['X-Forwarded-For', SPOOFED]],
  [['X-Forwarded-For', SPOOFED], ['X-Forwarded-For', `${SPOOFED}, ${LOAD_BALANCER}`]],
  [['x-forwarded-for', `${LOAD_BALANCER}, ${PROXY}`], ['Forwarded', `for=${SPOOFED}`], ['X-Real-IP', SPOOFED],
    ['X-Client-IP', SPOOFED], ['True-Client-IP', SPOOFED]],
  [['X_Forwarded_For', SPOOFED], ['X.Forwarded.For', SPOOFED]],
  [['Connection', 'X-Forwarded-For'], ['X-Forwarded-For', SPOOFED]]
]

/** The lines that are shipped as comments, for the load balancer of this test. */
const UNCOMMENTED: Readonly<Record<string, Edits>> = {
  traefik: { 'traefik.yml': uncomment('forwardedHeaders: { trustedIPs: [', ']') },
  caddy: { Caddyfile: uncomment('trusted_proxies static ', '') },
  nginx: { 'nginx.conf': uncomment('set_real_ip_from ', ';') },
  envoy: { 'envoy.yaml': trustInEnvoy },
  haproxy: { 'haproxy.cfg': uncomment('http-request set-src hdr_ip(x-forwarded-for,-1) if { src ', ' }') }
}

function uncomment (before: string, after: string): (shipped: string) => string {
  return shipped => swap(shipped, `# ${before}10.0.0.5${after}`, `${before}${LOAD_BALANCER}${after}`)
}

/** Its lines take the place of another. */
function trustInEnvoy (written: string): string {
  const block = /# original_ip_detection_extensions:[^]*?prefix_len: 32.*\n/.exec(written)?.[0] ?? ''
  const without = swap(written, /\n +use_remote_address: true.*/, '')
  return swap(without, block, block.replaceAll('# ', '').replace('10.0.0.5', LOAD_BALANCER))
}

/** One of them Envoy refuses: cases/spoof.ts. */
const spoofsFor = ({ facts }: Proxy): typeof SPOOFS =>
  SPOOFS.filter((spoof) => facts.connectionNamesForwarded === 200 || spoof.every(([name]) => name !== 'Connection'))

export const clientAddress: readonly Case[] = [
  {
    name: 'Authgear gets the true address of the client, as it is shipped',
    only: shipped,
    async run (t, stack, proxy) {
      const { port, addressAtAuthgear } = await start(t, stack, proxy, {})
      for (const spoof of spoofsFor(proxy)) {
        t.equal(await addressAtAuthgear(port, CLIENT, spoof), CLIENT, describe(spoof))
      }
      const outer = await startLoadBalancer(t, port, true)
      t.equal(await addressAtAuthgear(outer, CLIENT, []), LOAD_BALANCER,
        'a load balancer that it was not told of stands for everybody')
    }
  },
  {
    name: 'Authgear gets the true address of the client, behind a load balancer that it trusts',
    only: shipped,
    async run (t, stack, proxy) {
      const { port, addressAtAuthgear } = await start(t, stack, proxy, UNCOMMENTED[proxy.server] ?? {})
      const ways = [
        ['which appends', await startLoadBalancer(t, port, true)],
        ['which overwrites', await startLoadBalancer(t, port, false)],
        ['who goes past it', port]
      ] as const
      for (const [way, target] of ways) {
        for (const spoof of spoofsFor(proxy)) {
          t.equal(await addressAtAuthgear(target, CLIENT, spoof), CLIENT, `${way}: ${describe(spoof)}`)
        }
      }
      stack.observe('address', 'the peer\'s, or from a trusted load balancer')
    }
  }
]

const describe = (spoof: readonly HeaderLine[]): string =>
  spoof.length === 0 ? 'nothing spoofed' : spoof.map((line) => line.join(': ')).join('; ')

async function start (t: Test, stack: BehindProxy, proxy: Proxy, edits: Edits) {
  const { authgear } = stack
  const { port, app } = await startBefore(t, proxy, await stack.single(), { edits })
  return {
    port,
    /** @returns the X-Forwarded-For that Authgear gets when somebody asks from there */
    async addressAtAuthgear (target: number, from: string, headers: readonly HeaderLine[]): Promise<string> {
      const [{ resolutions }, before] = [authgear.counters, app.received.length]
      const answer = await send(target, from, { headers: ['Host', HOST, 'Cookie', BOB.cookie, ...headers.flat()] })
      if (answer.statusCode !== 200 || app.received.length !== before + 1) {
        throw new Error(`it was not let through: ${answer.statusCode}`)
      }
      if (authgear.counters.resolutions !== resolutions + 1) throw new Error('Authgear was not asked')
      const raw = authgear.counters.lastRawHeaders
      return raw.filter((_, i) => raw[i - 1]?.toLowerCase() === 'x-forwarded-for' && i % 2 === 1).join(' and ')
    }
  }
}

interface Sent {
  readonly method?: string | undefined
  readonly path?: string | undefined
  readonly headers: readonly string[]
}

async function send (port: number, localAddress: string, { method, path, headers }: Sent): Promise<IncomingMessage> {
  const asked = request({
    hostname: PROXY, port, localAddress, method, path, headers: [...headers], setHost: false, agent: false
  }).end()
  const [answer] = await once(asked, 'response') as [IncomingMessage]
  return answer.resume()
}

/** As those of clouds do, it adds the client's address to what the client sent (`keeps`), or puts it in its place. */
async function startLoadBalancer (t: Test, target: number, keeps: boolean): Promise<number> {
  const server = createServer(async (incoming, reply) => {
    const raw = incoming.rawHeaders
    const is = (i: number, ...names: readonly string[]): boolean => names.includes(raw[i - i % 2]?.toLowerCase() ?? '')
    const said = raw.filter((_, i) => keeps && i % 2 === 1 && is(i, 'x-forwarded-for'))
    const others = raw.filter((_, i) => !is(i, 'x-forwarded-for', 'connection'))
    const headers = [...others, 'X-Forwarded-For', [...said, incoming.socket.remoteAddress].join(', ')]
    const answer = await send(target, LOAD_BALANCER, { method: incoming.method, path: incoming.url, headers })
    reply.writeHead(answer.statusCode ?? 0).end()
  })
  return await listenFree(t, server)
}
