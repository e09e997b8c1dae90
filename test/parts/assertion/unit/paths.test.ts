import t from 'tap'
import { JWKS_PATH } from '../../../../src/parts/assertion/types.ts'
import { readOptions } from '../../../../src/commands/snippet/options.ts'
import { PROXIES, templateOf, type ProxyName } from '../../../../src/commands/snippet/proxies.ts'

const HOST = 'api.example.com'
const SETS: ReadonlyArray<readonly string[]> = [
  ['--host', HOST],
  ['--host', HOST, '--login'],
  ['--host', HOST, '--login', '--resource', `https://${HOST}/mcp=/mcp`, '--scope', 'a']
]
/** What a template may name of this service: verify addresses, the login, what is public, the headers of its own. */
const OWN = /\/\.well-known\/(?!oauth-protected-resource)/

function textOf (proxy: ProxyName, args: readonly string[]): string {
  const reading = readOptions([proxy, ...args])
  if (reading.kind !== 'options') throw new Error(JSON.stringify(reading))
  return Object.values(templateOf(proxy)(reading.options.settings)).join('\n')
}

for (const proxy of PROXIES) {
  t.test(`${proxy} never asks the key set, which says 200, whether a request may pass`, async (t) => {
    for (const args of SETS) {
      const text = textOf(proxy, args)
      t.match(text, /verify|ext-authz|4183/, 'it asks something: over gRPC by the port alone')
      t.notMatch(text, JWKS_PATH)
      t.notMatch(text.replaceAll('\\', '').replaceAll('[.]', '.'), OWN)
    }
  })
}
