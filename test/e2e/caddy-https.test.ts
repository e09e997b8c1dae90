import { readFileSync } from 'node:fs'
import { get } from 'node:https'
import t, { type Test } from 'tap'
import { startEchoApp } from '../helpers/echo-app.ts'
import { makeOwnCert, type OwnCert } from '../helpers/own-cert.ts'
import { startProcess } from '../helpers/process.ts'
import { HOST } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { caddy } from './proxies.ts'
import { swap } from './snippets.ts'
import { startProxy } from './start-proxy.ts'

const SITE = /^http:\/\/(\S+):(\d+) \{$/m
const CATCH_ALL = /^http:\/\/:(\d+) \{$/m
/** Caddy's own port 80 would need root. */
const QUIET = '\tadmin off\n\tauto_https disable_redirects\n'

const withTls = (written: string): string =>
  swap(written, '\tadmin off\n', QUIET).replace(SITE, 'https://$1:$2 {\n\ttls tls.crt tls.key')

/** The site alone, as people write it who read no further. */
const siteOnly = (written: string): string => withTls(written).replace(CATCH_ALL, 'http://:0 {')

/** As docs/proxies/caddy.md says: the catch-all for https:// too. */
const asThePageSays = (written: string): string => withTls(written).replace(CATCH_ALL, 'https://:$1 {')

t.test('an unknown host over a connection that TLS made for a known one', { skip: skipOrFail('caddy') }, async (t) => {
  for (const [what, edit, status] of [
    ['is an empty 200 where only the site has https: what this is about', siteOnly, 200],
    ['is 421 with the catch-all of the page', asThePageSays, 421]
  ] as const) {
    t.test(what, async (t) => {
      const { port, certificate } = await start(t, edit)
      t.equal(await statusOf(port, certificate, 'other.example.com'), status)
      t.equal(await statusOf(port, certificate, HOST), 401, 'the site itself asks forward-auth')
    })
  }
})

async function start (t: Test, edit: (written: string) => string): Promise<{ port: number, certificate: OwnCert }> {
  const [authgear, app] = await Promise.all([startSimulator(t), startEchoApp(t)])
  const [service, certificate] = [await startProcess(t, { AUTHGEAR_ENDPOINT: authgear.url }), makeOwnCert(t, HOST)]
  const proxy = { ...caddy, edits: { Caddyfile: edit } }
  return { port: await startProxy(t, proxy, { app: app.port, forwardAuth: [service.port], certificate }), certificate }
}

function statusOf (port: number, { caFile }: OwnCert, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const ca = readFileSync(caFile)
    const to = { host: '127.0.0.1', port, servername: HOST, headers: { Host: host }, ca, agent: false }
    get(to, (answer) => { answer.resume(); resolve(answer.statusCode ?? 0) }).once('error', reject)
  })
}
