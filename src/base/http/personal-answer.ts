import { type Identity, IDENTITY_HEADERS, OWN_VALUES } from '../core/resolution.ts'
import type { HttpResponse, Success } from './types.ts'

/** The head of the answers for all people who differ in their own values alone. */
export type CommonHead = {
  readonly headersOf: (identity: Identity) => readonly string[]
  sent: number
  /** The text around the own values, and behind the date. */
  cut?: Readonly<{ before: readonly string[], after: string }> | undefined
}

/** One person's answer by such a head: its list of headers is made only where Node has to write it. */
export class PersonalAnswer implements HttpResponse {
  readonly status: Success
  readonly body = ''
  readonly common: CommonHead
  readonly identity: Identity

  constructor (status: Success, common: CommonHead, identity: Identity) {
    this.status = status
    this.common = common
    this.identity = identity
  }

  get headers (): readonly string[] { return this.common.headersOf(this.identity) }

  /** The head up to the request id, and behind the date; undefined until it was kept. */
  parts (): readonly [before: string, after: string] | undefined {
    const { cut } = this.common
    if (cut === undefined) return undefined
    let text = cut.before[0] ?? ''
    for (let i = 0; i < OWN_VALUES.length; i++) text += valueAt(this.identity, i) + (cut.before[i + 1] ?? '')
    return [text, cut.after]
  }

  /** Cuts the head that Node wrote for this person, who has all of the own values. */
  keep (before: string, after: string): void {
    const texts: string[] = []
    let rest = before
    for (const [i, index] of OWN_VALUES.entries()) {
      const name = `\r\n${IDENTITY_HEADERS[index]}: `
      const value = valueAt(this.identity, i)
      const start = rest.indexOf(`${name}${value}\r\n`)
      if (start === -1) return
      texts.push(rest.slice(0, start + name.length))
      rest = rest.slice(start + name.length + value.length)
    }
    this.common.cut = { before: [...texts, rest], after }
  }
}

const valueAt = (identity: Identity, own: number): string => identity.at(OWN_VALUES[own] ?? -1) ?? ''
