import { readFileSync } from 'node:fs'
import { makeOwnCert } from '../../helpers/own-cert.ts'
import { ask, HOST } from '../../helpers/request.ts'
import { startBefore } from '../one-replica.ts'
import { ALICE } from '../people.ts'
import { swap } from '../snippets.ts'
import { shippedBy, type Case } from './case.ts'

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

export const caddy: readonly Case[] = [
  {
    name: 'a route whose policy was forgotten refuses everybody',
    only: shippedBy('caddy'),
    async run (t, stack, proxy) {
      const edits = {
        Caddyfile: (written: string) => swap(written, '\t\timport authgear_policy ""\n', '\t\timport authgear_policy\n')
      }
      const { port, app } = await startBefore(t, proxy, await stack.single(), { edits })
      t.equal((await ask(port, { headers: [['Cookie', ALICE.cookie]] })).status, 403)
      t.equal(app.received.length, 0)
    }
  },
  {
    name: 'an unknown host over a connection that TLS made for a known one is 421, by the catch-all of the page',
    only: shippedBy('caddy'),
    async run (t, stack, proxy) {
      const certificate = makeOwnCert(t, HOST)
      const tls = { ca: readFileSync(certificate.caFile) }
      for (const [what, Caddyfile, status] of [
        ['an empty 200 where only the site has https: what this is about', siteOnly, 200],
        ['with the catch-all', asThePageSays, 421]
      ] as const) {
        const { port } = await startBefore(t, proxy, await stack.single(), { edits: { Caddyfile }, certificate })
        t.equal((await ask(port, { tls, host: 'other.example.com' })).status, status, what)
        t.equal((await ask(port, { tls })).status, 401, 'the site itself asks forward-auth')
      }
    }
  }
]
