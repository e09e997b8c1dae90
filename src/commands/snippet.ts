import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Out } from './out.ts'
import { readOptions } from './snippet/options.ts'
import { limitsOf, PROXIES, templateOf } from './snippet/proxies.ts'
import type { Files } from './snippet/settings.ts'

const USAGE = `usage: authgear-forward-auth snippet PROXY [--out DIR] [--listen HOST:PORT] [--forward-auth URL] [--grpc HOST:PORT] [--app URL] [--host NAME] [--policy '/path=QUERY']… [--resource 'URI[=/path]' --scope NAME]… [--case-sensitive] [--identity HEADERS] [--assertion] [--events] [--login] [--public] [--force]

  PROXY               ${PROXIES.slice(0, 6).join(', ')},
                      ${PROXIES.slice(6).join(', ')}
  --out DIR           writes the files there instead of printing them; the proxy starts on them as they are
  --listen HOST:PORT  where the proxy listens (0.0.0.0:8080)
  --forward-auth URL  where it finds this service (http://forward-auth:4180); https:// wants its ca.crt beside the files
  --grpc HOST:PORT    where Envoy finds this service's LISTEN_GRPC (forward-auth:4183)
  --app URL           what it protects (http://app:8080); NAME is http://NAME:8080
  --host NAME         the name by which clients know the app (app.example.com)
  --policy /path=QUERY   what that path and all below it ask beyond a session, such as /admin=role=admin; repeatable; /=QUERY for everything
  --resource URI[=/path]  an API or MCP server that takes Authgear's tokens for that resource, there or on the whole host
  --scope NAME        what such a token must allow: a,b for one of them, repeated for all; none if any token will do
  --case-sensitive    the app tells /Admin from /admin, and so do the routes; without it they do not
  --identity HEADERS  names that apps get beside X-Authgear-*, as IDENTITY_HEADERS has them: remote, forwarded, webauth, Name={field};
                      sets that a --policy names by identity= are known without it (docs/identity.md)
  --assertion         also X-Forward-Auth-Assertion
  --events            also X-Forward-Auth-Session and X-Forward-Auth-Until (LISTEN_EVENTS)
  --login             also routes /_auth/login, /_auth/callback, /_auth/logout and /_auth/logged-out to this service
  --public            everybody may see what no --policy /path=QUERY names: a public site with an area that asks who one is
                      (traefik, traefik-labels, caddy, nginx)
  --force             overwrites files in DIR that differ; without it what would change is shown, and nothing is written
`

/** `snippet`: a complete, secure, minimal configuration of a proxy. Returns the exit code. */
export function snippet (args: readonly string[], out: Out, err: Out): 0 | 1 {
  const reading = readOptions(args, PROXIES)
  if (reading.kind === 'help') {
    out.write(USAGE)
    return 0
  }
  const { errors } =
    reading.kind === 'errors' ? reading : { errors: limitsOf(reading.options.proxy, reading.options.settings) }
  if (reading.kind === 'errors' || errors.length > 0) {
    errors.forEach(error => err.write(`error: ${error}\n`))
    err.write('snippet --help lists the options\n')
    return 1
  }
  const { proxy, out: folder, isForced, settings } = reading.options
  const files = templateOf(proxy)(settings)
  if (folder === undefined) out.write(printed(files))
  else return write({ folder: resolve(folder), isForced }, files, out, err)
  return 0
}

/** One file as it is; several each with its name before it. */
function printed (files: Files): string {
  const all = Object.entries(files)
  return all.map(([name, text]) => all.length === 1 ? text : `# ==== ${name} ====\n${text}`).join('\n')
}

type Target = Readonly<{ folder: string, isForced: boolean }>

/** Nothing is overwritten unless it is asked for: an operator may have added to a file. */
function write ({ folder, isForced }: Target, files: Files, out: Out, err: Out): 0 | 1 {
  try {
    const changes = Object.entries(files).map(([name, text]) => ({
      name, text, change: changeOf(textAt(join(folder, name)), text)
    }))
    const others = changes.flatMap(({ name, change }) => change.kind === 'other' ? [{ name, shown: change.shown }] : [])
    if (others.length > 0 && !isForced) return refuse(folder, others, err)
    mkdirSync(folder, { recursive: true })
    const written = changes.filter(({ change }) => change.kind !== 'same')
    for (const { name, text } of written) writeFileSync(join(folder, name), text)
    out.write(written.length === 0
      ? `${Object.keys(files).join(', ')} in ${folder} are as they would be written\n`
      : `wrote ${written.map(({ name }) => name).join(', ')} to ${folder}\n`)
    return 0
  } catch (error) {
    // the system's words name the path and what is wrong with it
    if (!(error instanceof Error && 'code' in error)) throw error
    err.write(`error: --out: ${error.message}\n`)
    return 1
  }
}

function refuse (folder: string, others: ReadonlyArray<Readonly<{ name: string, shown: string }>>, err: Out): 1 {
  for (const { name, shown } of others) err.write(`--- ${join(folder, name)}\n+++ as it would be written\n${shown}\n`)
  const names = others.map(({ name }) => name).join(', ')
  err.write(`error: ${names} in ${folder} would be overwritten: nothing was written; --force overwrites\n`)
  return 1
}

/** @throws where a path is there and cannot be read */
function textAt (path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

/** What writing a file would do to the one that is there. */
export type Change =
  | Readonly<{ kind: 'new' | 'same' }>
  | Readonly<{ kind: 'other', shown: string }>

/** So many lines of a difference are shown. */
const MAX_SHOWN = 60
/** Lines of a file that are compared; nothing that `snippet` writes is longer. */
const MAX_LINES = 2000

/** @param there undefined: there is no such file */
export function changeOf (there: string | undefined, wanted: string): Change {
  if (there === undefined) return { kind: 'new' }
  return there === wanted ? { kind: 'same' } : { kind: 'other', shown: shownOf(there, wanted) }
}

/** Lines that are there with a minus, lines that would be with a plus, and no others. */
function shownOf (there: string, wanted: string): string {
  const lines = differences(there.split('\n').slice(0, MAX_LINES), wanted.split('\n').slice(0, MAX_LINES))
  const rest = lines.length - MAX_SHOWN
  return (rest > 0 ? [...lines.slice(0, MAX_SHOWN), `… and ${rest} lines more`] : lines).join('\n')
}

/** By the longest common subsequence. */
function differences (there: readonly string[], wanted: readonly string[]): readonly string[] {
  const common = commonLengths(there, wanted)
  const lengthAt = (i: number, j: number): number => common[i]?.[j] ?? 0
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < there.length || j < wanted.length) {
    if (i < there.length && there[i] === wanted[j]) {
      i++
      j++
    } else if (j < wanted.length && (i === there.length || lengthAt(i, j + 1) > lengthAt(i + 1, j))) {
      lines.push(`+${wanted[j++]}`)
    } else {
      lines.push(`-${there[i++]}`)
    }
  }
  return lines
}

/** @returns for each pair of places how many lines the rest of both have in common, in order */
function commonLengths (there: readonly string[], wanted: readonly string[]): readonly Uint16Array[] {
  const table = Array.from({ length: there.length + 1 }, () => new Uint16Array(wanted.length + 1))
  for (let i = there.length - 1; i >= 0; i--) {
    for (let j = wanted.length - 1; j >= 0; j--) {
      const [row, below] = [table[i], table[i + 1]]
      if (row === undefined) continue
      row[j] = there[i] === wanted[j]
        ? (below?.[j + 1] ?? 0) + 1
        : Math.max(below?.[j] ?? 0, row[j + 1] ?? 0)
    }
  }
  return table
}
