import type { Edits } from './proxy.ts'
import { readSnippet, swap } from './snippets.ts'

/** Public paths, preflights and CORS headers, as each page has them, all at once. */
export const RECIPES: Readonly<Record<string, Edits>> = {
  traefik: {
    'dynamic.yml': written => edit(written, [
      ['  middlewares:\n', block('traefik: cors')],
      ['  routers:\n', block('traefik: public path')]
    ]).replaceAll('middlewares: [authgear]', 'middlewares: [cors, authgear]')
  },
  caddy: {
    Caddyfile: (written) =>
      edit(uncommented(written), [
        ['\t\t# routes and their policies: docs/policies.md\n',
          block('caddy: cors') + block('caddy: public path').replace('app:8080', appOf(written))]
      ])
  },
  nginx: {
    'nginx.conf': (written) =>
      edit(uncommented(written), [
        ['events {}\nhttp {\n', block('nginx: cors, http')],
        ['    # routes and their policies: docs/policies.md\n',
          block('nginx: public path') + block('nginx: cors, server')]
      ])
  },
  envoy: {
    'envoy.yaml': (written) =>
      edit(
        swap(written, '          - name: envoy.filters.http.ext_authz\n            typed_config',
          `${block('envoy: cors, filter')}          - name: envoy.filters.http.ext_authz\n            typed_config`),
        [
          ['              # routes and their policies, the first match counts: docs/policies.md\n',
            block('envoy: public path')],
          ['            - name: app # security: another host name is 404\n', block('envoy: cors, virtual host')]
        ]
      )
  },
  haproxy: {
    'haproxy.cfg': (written) =>
      edit(uncommented(written), [
        ['    # routes and their policies, the first match counts: docs/policies.md\n',
          block('haproxy: public path') + block('haproxy: cors')]
      ])
  }
}

function block (title: string): string {
  return readSnippet(`proxies/${title.split(':')[0] ?? ''}.md`, title)
}

/** Puts each text behind its anchor. */
const edit = (written: string, edits: ReadonlyArray<readonly [anchor: string, text: string]>): string =>
  edits.reduce((text, [anchor, addition]) => swap(text, anchor, anchor + addition), written)

/** The app as this Caddyfile knows it. */
export const appOf = (caddyfile: string): string => /^.*reverse_proxy (127\S+)/s.exec(caddyfile)?.[1] ?? ''

/** The file's own recipe for preflights. */
function uncommented (written: string): string {
  const lines = written.split('\n')
  const preflight =
    /^\s*# (@preflight|handle @preflight|\t|\}|map "\$request_method|error_page 418|if \(\$authgear_preflight|location @preflight|acl (options|origin|asks_method) |http-request set-var\(txn\.authgear_allowed\))/
  return swap(written, written, lines.map(line => preflight.test(line) ? line.replace('# ', '') : line).join('\n'))
}
