import { HOST } from '../../../helpers/request.ts'

/**
 * What must become of it, besides that nobody gets in: `400` for everybody; `refused`: any 4xx; `either`: what the
 * proxy does.
 */
type Fate = '400' | 'refused' | 'either'

/** One way to write a request that a proxy and an app may read differently. */
export interface Spelling {
  /** As docs/inside/hostile.md shows it; each once. */
  readonly name: string
  readonly fate: Fate
  /** May the app be asked for a WebSocket? Only where that is the request's one Upgrade value. */
  readonly webSocket: boolean
  /**
   * The whole request as bytes of HTTP/1.1, or its fields over HTTP/2.
   * @param lines the credentials and the spoofed identity
   */
  readonly write: Writing
}

export type Line = readonly [name: string, value: string]

type Writing =
  | Readonly<{ http: 1, write: (lines: readonly Line[]) => string }>
  | Readonly<{ http: 2, fields: (lines: readonly Line[]) => readonly Line[] }>

export interface Parts {
  readonly method?: string
  readonly target?: string
  readonly version?: string
  /** Header lines as they go over the wire; the Host lines first. */
  readonly host?: readonly string[]
  readonly lines?: readonly string[]
  readonly body?: string
  readonly fate?: Fate
  readonly webSocket?: boolean
}

export function http1 (name: string, parts: Parts): Spelling {
  const {
    method = 'GET',
    target = '/page',
    version = '1.1',
    host = [`Host: ${HOST}`],
    lines = [],
    body = '',
    fate = 'either',
    webSocket = false
  } = parts
  const write = (more: readonly Line[]): string =>
    [`${method} ${target} HTTP/${version}`, ...host, ...more.map((line) => line.join(': ')), ...lines, '', body].join(
      '\r\n'
    )
  return { name, fate, webSocket, write: { http: 1, write } }
}

export interface Fields {
  readonly method?: string
  readonly path?: string
  readonly authority?: string | undefined
  readonly fields?: readonly Line[]
  readonly fate?: Fate
}

export function http2 (
  name: string,
  { method = 'GET', path = '/page', authority = HOST, fields = [], fate = 'either' }: Fields
): Spelling {
  const head: readonly Line[] = [[':method', method], [':scheme', 'http'], [':path', path], [':authority', authority]]
  return {
    name: `HTTP/2: ${name}`,
    fate,
    webSocket: false,
    write: { http: 2, fields: (more) => [...head, ...more.map(lower), ...fields] }
  }
}

/** HTTP/2 has no capitals in names. */
const lower = ([name, value]: Line): Line => [name.toLowerCase(), value]
