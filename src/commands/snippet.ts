import { parts } from '../parts/index.ts'
import { resolve } from 'node:path'
import { type Out, refuse } from './command-line.ts'
import { readOptions } from './snippet/options.ts'
import { limitsOf, PROXIES, templateOf } from './snippet/proxies.ts'
import type { Files } from './snippet/settings.ts'
import { writeFiles } from './write-files.ts'

const SENT = parts.flatMap(({ sends }) => sends ?? [])
const USAGE = `usage: authgear-forward-auth snippet PROXY [--out DIR] [--listen HOST:PORT] [--forward-auth URL] [--grpc HOST:PORT] [--app URL] [--host NAME] [--policy '/path=QUERY']… [--resource 'URI[=/path]' --scope NAME]… [--case-sensitive] [--identity HEADERS] ${SENT.map(({ flag }) => `[--${flag}] `).join('')}[--no-login] [--https] [--public] [--force]

  PROXY               ${PROXIES.slice(0, 6).join(', ')},
                      ${PROXIES.slice(6).join(', ')}
  --out DIR           writes the files there instead of printing them; the proxy starts on them as they are
  --listen HOST:PORT  where the proxy listens (0.0.0.0:8080)
  --forward-auth URL  where it finds this service (http://forward-auth:4180); https:// wants its ca.crt beside the files
  --grpc HOST:PORT    where Envoy finds this service's LISTEN_GRPC (forward-auth:4183)
  --app URL           what it protects (http://app:8080); NAME is http://NAME:8080; https:// for traefik, traefik-labels, caddy and nginx
  --host NAME         the name by which clients know the app (app.example.com)
  --policy /path=QUERY   what that path and all below it ask beyond a session, such as /admin=role=admin; repeatable; /=QUERY for everything
  --resource URI[=/path]  an API or MCP server that takes Authgear's tokens for that resource, there or on the whole host
  --scope NAME        what such a token must allow: a,b for one of them, repeated for all; none if any token will do
  --case-sensitive    the app tells /Admin from /admin, and so do the routes; without it they do not
  --identity HEADERS  names that apps get beside X-Authgear-*, as IDENTITY_HEADERS has them: remote, forwarded, webauth, Name={field};
                      sets that a --policy names by identity= are known without it (docs/identity.md)
${SENT.map(({ flag, usage }) => `  ${`--${flag}`.padEnd(20)}${usage}\n`).join('')}  --no-login          does not route /_auth/login, /_auth/callback, /_auth/logout and /_auth/logged-out to this service:
                      people cannot sign in at this host
  --https             browsers open https://NAME: ports 80 and 443, with certificates from Let's Encrypt (traefik, traefik-labels,
                      caddy) or your own files (nginx)
  --public            everybody may see what no --policy /path=QUERY names: a public site with an area that asks who one is
                      (traefik, traefik-labels, caddy, nginx)
  --force             overwrites files in DIR that differ; without it what would change is shown, and nothing is written
`

/** `snippet`: a complete, secure, minimal configuration of a proxy. Returns the exit code. */
export function snippet (args: readonly string[], out: Out, err: Out): 0 | 1 {
  const reading = readOptions(args)
  if (reading.kind === 'help') {
    out.write(USAGE)
    return 0
  }
  const { errors } =
    reading.kind === 'errors' ? reading : { errors: limitsOf(reading.options.proxy, reading.options.settings) }
  if (reading.kind === 'errors' || errors.length > 0) {
    refuse(errors, err)
    err.write('snippet --help lists the options\n')
    return 1
  }
  const { proxy, out: folder, isForced, settings } = reading.options
  const files = templateOf(proxy)(settings)
  if (folder === undefined) out.write(printed(files))
  else return sayHow(writeFiles({ folder: resolve(folder), isForced }, files, out, err), err)
  return 0
}

/** One file as it is; several each with its name before it. */
function printed (files: Files): string {
  const all = Object.entries(files)
  return all.map(([name, text]) => all.length === 1 ? text : `# ==== ${name} ====\n${text}`).join('\n')
}

function sayHow (outcome: ReturnType<typeof writeFiles>, err: Out): 0 | 1 {
  if (outcome === 'refused') err.write('--force overwrites\n')
  return outcome === 'written' ? 0 : 1
}
