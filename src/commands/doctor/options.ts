import { duration } from '../../base/config/parsers/values.ts'
import { readArguments } from '../command-line.ts'

export type DoctorOptions = Readonly<{
  json: boolean
  /** The kind of text on stdin. */
  paste: 'cookie' | 'token' | undefined
  /** The app's host, in lower case. */
  host: string | undefined
  idleTimeoutMs: number | undefined
  /** An origin: of the app as clients reach it. */
  url: string | undefined
  /** More ports of that host, which nobody should reach past the proxy. */
  ports: readonly number[]
  /** A page of the app that shows the headers that it got; a path. */
  echo: string
  /** An MCP server of RESOURCES, as clients reach it. */
  mcp: string | undefined
}>

export const NO_OPTIONS: DoctorOptions = Object.freeze({
  json: false,
  paste: undefined,
  host: undefined,
  idleTimeoutMs: undefined,
  url: undefined,
  ports: [],
  echo: '/',
  mcp: undefined
})

export const USAGE = `usage: authgear-forward-auth doctor [--json] [--host NAME] [--idle-timeout DURATION] [--url ORIGIN [--echo PATH] [--ports LIST]] [--mcp URL] [--cookie-stdin | --token-stdin]

  --cookie-stdin           reads a Cookie header from stdin, as a browser sent it to the app, and asks Authgear about it
  --token-stdin            reads an access token from stdin, and asks Authgear about it; a resource token is explained claim by claim
  --host NAME              the app's host: does Authgear's cookie reach it?
  --idle-timeout DURATION  session.idle_timeout_seconds of the project, such as 30m: is CACHE_TTL below it?
  --url ORIGIN             the app or API as clients reach it, such as https://app.example.com: is a stranger refused there, does
                           forged identity get through, does the pasted session's reach the app, and does another port of
                           that host answer a stranger?
  --echo PATH              a page of the app that shows the headers that it got; / unless it is set
  --ports LIST             ports to ask beside the usual ones, such as 3000,8123: those on which your apps listen
  --mcp URL                an MCP server of RESOURCES as clients reach it: does its 401 say where to get a token? With
                           --token-stdin also: do the headers of a call arrive, and does the server reject a body that
                           they do not name?
  --json                   prints JSON

Looks at what the environment configures, as serve would use it. Exit code 1 where there is an error.
`

const OPTIONS = {
  json: { type: 'boolean', default: false },
  'cookie-stdin': { type: 'boolean', default: false },
  'token-stdin': { type: 'boolean', default: false },
  host: { type: 'string' },
  'idle-timeout': { type: 'string' },
  url: { type: 'string' },
  echo: { type: 'string', default: '/' },
  ports: { type: 'string' },
  mcp: { type: 'string' },
  help: { type: 'boolean', default: false }
} as const

const ORIGIN = /^https?:\/\/[a-z0-9.-]{1,253}(?::[0-9]{1,5})?\/?$/
const MCP = /^https:\/\/[^\s/?#@\\]{1,260}(?:\/[\x21\x24-\x3b\x3d\x40-\x5b\x5d-\x7e]{0,1000})?$/
const ECHO = /^\/[\w.~/-]{0,200}$/
const PORTS = /^[0-9]{1,5}(?:,[0-9]{1,5}){0,99}$/
const IDLE_TIMEOUT = duration({ min: '1s', max: '999999h' })
const neverRead = (): string => ''

const NOT_UNDERSTOOD =
  'an argument is not understood (a cookie or a token is read from stdin, never an argument)'

/** A name and nothing else, since it is printed again. */
const HOST = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/

/**
 * @returns what is wrong as a sentence; it repeats no argument, since one may be a secret that does not belong there
 */
export function doctorOptions (args: readonly string[]): DoctorOptions | 'help' | string {
  const values = readArguments(args, OPTIONS, () => NOT_UNDERSTOOD)
  if (typeof values === 'string') return values
  const { json, 'cookie-stdin': cookie, 'token-stdin': token, host, 'idle-timeout': idle, url, echo, help } = values
  const { mcp } = values
  const ports = portsOf(values.ports)
  if (help) return 'help'
  if (cookie && token) return '--cookie-stdin and --token-stdin: only one of them can be read at a time'
  const name = host?.toLowerCase()
  if (name !== undefined && !HOST.test(name)) return '--host is not a host name (without scheme, port and path)'
  const idleTimeout = idle === undefined ? undefined : IDLE_TIMEOUT.parse(idle, neverRead)
  if (idleTimeout?.kind === 'problem') return '--idle-timeout is not a duration such as 30m'
  if (url !== undefined && !ORIGIN.test(url)) return '--url is not an origin such as https://api.example.com'
  if (mcp !== undefined && !(MCP.test(mcp) && URL.canParse(mcp))) {
    return '--mcp is not a URL such as https://mcp.example.com/mcp'
  }
  if (!ECHO.test(echo)) return '--echo is not a path such as /headers'
  if (ports === undefined) return '--ports are not numbers such as 3000,8123'
  return {
    mcp: mcp === undefined ? undefined : new URL(mcp).href,
    echo,
    ports,
    url: url?.replace(/\/$/, ''),
    json,
    paste: cookie ? 'cookie' : token ? 'token' : undefined,
    host: name,
    idleTimeoutMs: idleTimeout?.value
  }
}

/** @returns undefined where it is no list of ports */
function portsOf (text: string | undefined): readonly number[] | undefined {
  if (text === undefined) return []
  const ports = PORTS.test(text) ? text.split(',').map(Number) : []
  return ports.length > 0 && ports.every((port) => port > 0 && port < 65_536) ? ports : undefined
}
