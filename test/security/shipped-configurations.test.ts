import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { PROXIES } from '../../src/commands/snippet/proxies.ts'
import { IDENTITY_HEADERS } from '../../src/base/core/resolution.ts'
import { advisory } from './helpers/advisory.ts'

const DEPLOY = join(import.meta.dirname, '../../deploy')

/** Every file below a folder of deploy/, without its comments. */
function textsOf (folder: string): ReadonlyArray<readonly [path: string, text: string]> {
  const path = join(DEPLOY, folder)
  if (!existsSync(path)) return []
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(path, name)).isFile()
  )
  return files.map(
    (name) => [`${folder}/${name}`, readFileSync(join(path, name), 'utf8').replaceAll(/(^|\s)#.*$/gm, '')] as const
  )
}

advisory(
  t,
  'Envoy failure_mode_allow, APISIX allow_degradation',
  'a switch that allows everybody while the auth server is down',
  (t) => {
    const all = readdirSync(DEPLOY).filter((name) => statSync(join(DEPLOY, name)).isDirectory()).flatMap(textsOf)
    t.ok(all.length > 5, 'the shipped files are read')
    for (const [path, text] of all) {
      t.notMatch(
        text,
        /failure_?mode_?allow(_header_add)?"?\s*[:=]\s*"?true|allow_degradation"?\s*[:=]\s*"?true|failOpen"?\s*[:=]\s*"?true|status_on_error"?\s*[:=]\s*"?200/i,
        path
      )
    }
    t.end()
  }
)

advisory(
  t,
  'nginx auth_request with a query',
  'the query made it miss the internal location, and the backend itself granted access',
  (t) => {
    const nginx = textsOf('nginx')
    t.ok(nginx.length > 0)
    for (const [path, text] of nginx) {
      for (const [, target = ''] of text.matchAll(/auth_request\s+([^;]+);/g)) t.notMatch(target, /\?/, path)
    }
    t.end()
  }
)

advisory(t, 'Caddy uri without a question mark', 'the client\'s own query was appended to the verify URL', (t) => {
  for (const [path, text] of textsOf('caddy')) {
    const uris = [...text.matchAll(/^\s*uri\s+(\/verify\S*)/gm)].map(([, uri]) => uri)
    t.ok(uris.length > 0, path)
    for (const uri of uris) t.match(uri, /^\/verify\?/, path)
  }
  t.end()
})

/** Folders of deploy/ with the configuration of a proxy: one for each of PROXIES, which `npm run docs` writes. */
const FOLDERS = [...PROXIES, 'traefik-tls', 'nginx-every-name']

const BY_ANSWER = new Set(['envoy-grpc', 'envoy-gateway-grpc'])

advisory(t, 'APISIX CVE-2026-31908, CVE-2026-44087', 'the proxy kept a client\'s identity headers', (t) => {
  for (const folder of FOLDERS) {
    const text = textsOf(folder).map(([, text]) => text).join('\n').toLowerCase().replaceAll('_', '-')
    // over gRPC the answer sets or removes each name itself (test/parts/grpc/unit/exchange.test.ts): files name none
    if (BY_ANSWER.has(folder)) {
      t.match(text, /grpc/, `${folder} asks over gRPC`)
      continue
    }
    // Traefik takes them by a pattern, which also deletes the client's
    const isPattern = /authresponseheadersregex(: "|=)\(\?i\)\^x-authgear-/.test(text)
    for (const name of IDENTITY_HEADERS) {
      t.ok(isPattern || text.includes(name), `${folder} takes ${name} from the answer, and from nobody else`)
    }
  }
  t.end()
})
