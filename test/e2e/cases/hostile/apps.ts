import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createServer, type IncomingMessage } from 'node:http'
import type { Test } from 'tap'
import { startChild } from '../../../helpers/child.ts'
import { startEchoApp } from '../../../helpers/echo-app.ts'
import { freePort } from '../../../helpers/free-port.ts'
import { listenFree } from '../../../helpers/listen-free.ts'
import { ask } from '../../../helpers/request.ts'
import { mustFind } from '../../../helpers/servers.ts'
import { answers, until } from '../../../helpers/until.ts'
import { servletPath } from './servlet-path.ts'
import type { Line } from './spelling.ts'

/** A request that got through to an app. */
export interface Seen {
  readonly method: string
  /** As it arrived. */
  readonly url: string
  /** The paths by which this app may choose what to run. */
  readonly paths: readonly string[]
  readonly headers: readonly Line[]
  /** `1.1`, or `2` past every check. */
  readonly http: string
}

/** One kind of app behind the proxies. */
export interface HostileApp {
  readonly kind: string
  readonly port: number
  /** All that has reached it since the last call, oldest first. */
  taken (): Promise<readonly Seen[]>
}

export const startApps = (t: Test): Promise<readonly HostileApp[]> =>
  Promise.all([startHypercorn(t), startEcho(t), startServlet(t)])

const pairs = (raw: readonly string[]): Line[] =>
  raw.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), raw[i + 1] ?? ''] as const] : []))

/** Takes the path as it is, and matches it without case. */
async function startEcho (t: Test): Promise<HostileApp> {
  const { port, received } = await startEchoApp(t)
  const seen = ({ method, url, rawHeaders }: typeof received[number]): Seen =>
    ({ method, url, paths: [url.replace(/^https?:\/\/[^/?]*/i, '')], headers: pairs(rawHeaders), http: '1.1' })
  return { kind: 'echo', port, taken: async () => received.splice(0).map(seen) }
}

/** Reads paths as Tomcat does, and as containers do that decode first. */
async function startServlet (t: Test): Promise<HostileApp> {
  const seen: Seen[] = []
  const server = createServer({ maxHeaderSize: 1_048_576 }, async (request: IncomingMessage, reply) => {
    const { method = '', url = '', rawHeaders } = request
    await text(request)
    const paths = [servletPath(url, false), servletPath(url, true)]
    seen.push({ method, url, paths, headers: pairs(rawHeaders), http: '1.1' })
    reply.end(paths.join(' '))
  })
  return { kind: 'servlet', port: await listenFree(t, server), taken: async () => seen.splice(0) }
}

/** Hypercorn with its defaults, which answers `Upgrade: h2c` with 101 and speaks HTTP/2 from then on. */
async function startHypercorn (t: Test): Promise<HostileApp> {
  const port = await freePort()
  const child = await startChild(t, {
    name: 'hypercorn',
    command: mustFind('hypercorn'),
    args: ['--bind', `127.0.0.1:${port}`, 'hypercorn_app:app'],
    cwd: import.meta.dirname,
    env: { PYTHONPATH: join(import.meta.dirname), PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' },
    ready: () => answers(port)
  })
  let [read, markers] = [0, 0]
  const taken = async (): Promise<readonly Seen[]> => {
    const marker = `/marker-${++markers}`
    await ask(port, { path: marker })
    await until('Hypercorn says what it got', () => child.output().slice(read).includes(`${marker}"`))
    const text = child.output()
    const lines = text.slice(read).split('\n').filter(line => line.startsWith('{"method"'))
    read = text.length
    return lines.map(line => JSON.parse(line) as Seen).filter(({ url }) => !url.startsWith('/marker-'))
  }
  return { kind: 'h2c', port, taken }
}
