import { HOST } from '../../../helpers/request.ts'
import { NAMES, SPOOFED } from './names.ts'

/** Characters that a header's name may have, and that some apps read as "-". */
const ALIASES = ['_', '.', '~', '!', '#', '$', '%', '&', "'", '*', '+', '^', '`', '|']

/** One way in which a client may write the names that forward-auth sends. */
export type Spelling = Readonly<{
  name: string
  /** Header lines after the credentials. */
  lines: readonly string[]
  /** Chunked, with these lines behind it. */
  trailers?: readonly string[]
  version?: '1.0'
  /** Is it well-formed, so that who is signed in must get an answer? */
  isAnswered: boolean
}>

const line = (name: string): string => `${name}: ${SPOOFED}`
const each = (spell: (name: string) => string): readonly string[] => NAMES.map(spell)
const answered = (name: string, lines: readonly string[], more: Partial<Spelling> = {}): Spelling =>
  ({ name, lines, isAnswered: true, ...more })
const either = (name: string, lines: readonly string[], more: Partial<Spelling> = {}): Spelling =>
  ({ name, lines, isAnswered: false, ...more })
const mixed = (name: string): string =>
  [...name.toLowerCase()].map((char, i) => i % 2 === 0 ? char : char.toUpperCase()).join('')

const LIST = NAMES.join(', ')
const KEY = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', 'Upgrade: websocket']

const respelled: readonly Spelling[] = [
  answered('as they are', each(line)),
  answered('in lower case', each((name) => line(name.toLowerCase()))),
  answered('in upper case', each((name) => line(name.toUpperCase()))),
  answered('in mixed case', each((name) => line(mixed(name)))),
  ...ALIASES.flatMap((alias) => [
    answered(`with ${alias} for every dash`, each((name) => line(name.replaceAll('-', () => alias)))),
    answered(`with ${alias} for the first dash`, each((name) => line(name.replace('-', () => alias)))),
    answered(`with ${alias} for the last dash`, each((name) => line(name.replace(/-(?=[^-]+$)/, () => alias))))
  ])
]

const values: readonly Spelling[] = [
  answered('twice', [...each(line), ...each(line)]),
  answered('empty, then not', [...each((name) => `${name}:`), ...each(line)]),
  answered('not empty, then empty', [...each(line), ...each((name) => `${name}:`)]),
  answered('empty', each((name) => `${name}:`)),
  answered('beside an alias', [...each(line), ...each((name) => line(name.replaceAll('-', '_')))]),
  answered('with blanks and a tab', each((name) => `${name}: \t ${SPOOFED}\t `)),
  answered('behind sixty other lines', [...Array.from({ length: 60 }, (_, i) => `X-Other-${i}: ${i}`), ...each(line)]),
  answered('over HTTP/1.0', each(line), { version: '1.0' }),
  answered('as trailers', ['Transfer-Encoding: chunked', `Trailer: ${LIST}`], { trailers: each(line) }),
  answered('as headers and trailers', [...each(line), 'Transfer-Encoding: chunked'], { trailers: each(line) })
]

/** Envoy takes ten names at most. */
const FEW = 'X-My-User, Remote-User, X-Forwarded-User, X-WEBAUTH-USER, X-Forward-Auth-Assertion'

const connections: readonly Spelling[] = [
  answered('named in Connection, one of each set', [`Connection: close, ${FEW}`]),
  answered('named in Connection, one of each set, and sent', [`Connection: ${FEW}`, ...each(line)]),
  answered('named in Connection, one of each set, in lower case', [`Connection: ${FEW.toLowerCase()}`]),
  either('named in Connection', [`Connection: close, ${LIST}`]),
  either('named in Connection, and sent', [`Connection: close, ${LIST}`, ...each(line)]),
  either('named in Connection in lower case', [`Connection: ${LIST.toLowerCase()}`, ...each(line)]),
  either('named one by one in Connection', each((name) => `Connection: ${name}`)),
  either('named in Connection with aliases', [`Connection: ${LIST.replaceAll('-', '_')}`, ...each(line)]),
  either('named in Connection, after close', ['Connection: close', `Connection: ${LIST}`, ...each(line)]),
  either('named in Proxy-Connection', [`Proxy-Connection: ${LIST}`, ...each(line)]),
  either('named in Keep-Alive', ['Connection: keep-alive', `Keep-Alive: ${LIST}`, ...each(line)]),
  either('named in Connection of a WebSocket', [`Connection: upgrade, ${LIST}`, ...KEY, ...each(line)]),
  either('named in Connection of a WebSocket, one of each set', [`Connection: upgrade, ${FEW}`, ...KEY, ...each(line)]),
  either('named in a second Connection of a WebSocket', ['Connection: upgrade', `Connection: ${LIST}`, ...KEY])
]

const malformed: readonly Spelling[] = [
  either('with a blank before the colon', each((name) => `${name} : ${SPOOFED}`)),
  either('with a tab before the colon', each((name) => `${name}\t: ${SPOOFED}`)),
  either('with the value on a line of its own', each((name) => `${name}:\r\n ${SPOOFED}`)),
  either('folded into another line', ['X-Other: a', ...each((name) => ` ${line(name)}`)]),
  either('behind a bare line feed', each((name) => `X-Other: a\n${line(name)}`)),
  either('behind a bare carriage return', each((name) => `X-Other: a\r${line(name)}`)),
  either('with a NUL at the end of the name', each((name) => `${name}\0: ${SPOOFED}`)),
  either('with a blank in the name', each((name) => line(name.replace('-', ' ')))),
  either('with a soft hyphen of ISO 8859-1', each((name) => line(name.replaceAll('-', '\xad'))))
]

export const OVER_HTTP1: readonly Spelling[] = [...respelled, ...values, ...connections, ...malformed]

/** Fields of HTTP/2, which has neither capitals nor hop-by-hop fields: some of these must be refused. */
export const OVER_HTTP2: readonly Spelling[] = [
  answered('HTTP/2: as they are', each((name) => line(name.toLowerCase()))),
  answered('HTTP/2: twice', [...each(line), ...each(line)].map((one) => one.toLowerCase())),
  answered('HTTP/2: empty', each((name) => `${name.toLowerCase()}: `)),
  either('HTTP/2: in capitals', each(line)),
  either('HTTP/2: named in connection', [`connection: ${LIST.toLowerCase()}`]),
  either('HTTP/2: named in connection, and sent', [
    `connection: ${LIST.toLowerCase()}`, ...each((name) => line(name.toLowerCase()))
  ]),
  ...ALIASES.map((alias) => either(
    `HTTP/2: with ${alias} for every dash`, each((name) => line(name.toLowerCase().replaceAll('-', () => alias)))
  ))
]

/** @param credentials header lines */
export function http1Of (
  { lines, trailers, version }: Spelling,
  method: string,
  path: string,
  credentials: readonly string[]
): string {
  const head = [`${method} ${path} HTTP/${version ?? '1.1'}`, `Host: ${HOST}`, ...credentials, ...lines, '', '']
  const body = trailers === undefined ? '' : ['4', 'body', '0', ...trailers, '', ''].join('\r\n')
  return head.join('\r\n') + body
}

/** @param credentials header lines */
export function http2Of (
  { lines }: Spelling,
  method: string,
  path: string,
  credentials: readonly string[]
): ReadonlyArray<readonly [name: string, value: string]> {
  const fields = [...credentials.map((one) => one.replace(/^[^:]+/, (name) => name.toLowerCase())), ...lines]
  return [
    [':method', method], [':scheme', 'http'], [':path', path], [':authority', HOST],
    ...fields.map((one) => [one.slice(0, one.indexOf(':')), one.slice(one.indexOf(':') + 1).trim()] as const)
  ]
}
