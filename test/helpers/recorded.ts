import { readFileSync } from 'node:fs'

export type HeaderList = readonly (readonly [name: string, value: string])[]

/** One exchange with a real Authgear; tokens are placeholders in angle brackets, long values are cut in the middle. */
export interface Exchange {
  readonly name: string
  readonly why: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly version?: string
    /** 3101: the server with hosts known from its database */
    readonly port?: number
    readonly headers: HeaderList
    readonly body?: string
  }
  readonly response: {
    /** -1: no answer at all */
    readonly status: number
    readonly headers: HeaderList
    readonly body: string
  }
}

export function recordedExchanges (): readonly Exchange[] {
  return JSON.parse(readFileSync(new URL('../fixtures/resolver.json', import.meta.url), 'utf8')) as readonly Exchange[]
}

/** The value as it went over the wire: control bytes and cut-out middles restored, placeholders left in. */
export function restoreValue (recorded: string): string {
  return restoreMiddle(recorded).replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16))
  )
}

function restoreMiddle (recorded: string): string {
  const cut = /^(.*)\.\.\.\((\d+) bytes in all\)\.\.\.(.*)$/s.exec(recorded)
  if (cut === null) return recorded
  const [, head = '', size = '0', tail = ''] = cut
  return head.includes('c0=v0')
    ? restoreCookies(head, tail)
    : head + 'x'.repeat(Number(size) - head.length - tail.length) + tail
}

/** `c0=v0; c1=v1; …` up to the last number that the tail shows. */
function restoreCookies (head: string, tail: string): string {
  const last = Number(tail.match(/c(\d+)=v\1/g)?.at(-1)?.slice(1).split('=')[0])
  const cookies = Array.from({ length: last + 1 }, (_, i) => `c${i}=v${i}`).join('; ')
  return (
    head.slice(0, head.indexOf('c0=v0')) + cookies +
    tail.slice(tail.lastIndexOf(`c${last}=v${last}`) + `c${last}=v${last}`.length)
  )
}

export function headersNamed (headers: HeaderList, pattern: RegExp): HeaderList {
  return headers.filter(([name]) => pattern.test(name)).toSorted(([a], [b]) => a < b ? -1 : 1)
}
