import { type Kind, parsed, problem, quote, type ReadFile } from '../kind.ts'

export const boolean: Kind<boolean> = Object.freeze({
  accepts: '`true` or `false`',
  parse: (text: string) => text === 'true' || text === 'false'
    ? parsed(text === 'true', text)
    : problem(`${quote(text)} is neither true nor false`)
})

const BYTE_UNITS: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

/** Bytes of `64m`; undefined for anything else. */
function bytesOf (text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,12})([kmg])$/i.exec(text) ?? []
  const factor = BYTE_UNITS[unit?.toLowerCase() ?? '']
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor
}

/** As an operator writes it: in the largest unit that leaves a whole number. */
export function showBytes (bytes: number): string {
  const [unit, factor] = Object.entries(BYTE_UNITS).findLast(([, size]) => bytes >= size && bytes % size === 0) ?? [
    'k',
    2 ** 10
  ]
  return `${Math.floor(bytes / factor)}${unit}`
}

/** An amount of memory between `min` and `max`, both written as amounts themselves; digits alone are bytes. */
export function bytes (min: string, max: string): Kind<number> {
  const [least, most] = [bytesOf(min) ?? NaN, bytesOf(max) ?? NaN]
  const accepts = `bytes, or an amount with k, m or g (1024 each), from ${min} to ${max}`
  return Object.freeze({
    accepts,
    parse: (text: string) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : bytesOf(text)
      if (value === undefined) {
        return problem(`${quote(text)} is not an amount of memory (digits and k, m or g): write ${accepts}`)
      }
      return value >= least && value <= most
        ? parsed(value, text)
        : problem(`${quote(text)} is out of bounds: write ${accepts}`)
    }
  })
}

/** One of a few words, written exactly so. */
export function choice<const Word extends string> (words: readonly Word[]): Kind<Word> {
  const accepts = words.map(word => `\`${word}\``).join(' or ')
  return Object.freeze({
    accepts,
    parse: (text: string) => {
      const word = words.find(candidate => candidate === text)
      return word === undefined ? problem(`${quote(text)} is not one of ${words.join(', ')}`) : parsed(word, word)
    }
  })
}

/** Some of a few words, separated by commas, in any order. @returns each once, in the order of `words` */
export function someOf<const Word extends string> (words: readonly Word[]): Kind<readonly Word[]> {
  const accepts = `any of ${words.map((word) => `\`${word}\``).join(', ')}, separated by commas`
  return Object.freeze({
    accepts,
    parse: (text: string) => {
      const given = text.split(',').map((word) => word.trim())
      const unknown = given.find((word) => !words.some((known) => known === word))
      if (unknown !== undefined) return problem(`${quote(unknown)} is not one of ${words.join(', ')}`)
      const chosen = words.filter((word) => given.includes(word))
      return parsed(chosen, chosen.join(','))
    }
  })
}

/** A whole number between `min` and `max`, in plain digits. */
export function integer (min: number, max: number): Kind<number> {
  const accepts = `a whole number from ${min} to ${max}`
  return Object.freeze({
    accepts,
    parse: (text: string) => {
      const value = /^\d{1,12}$/.test(text) ? Number(text) : NaN
      return value >= min && value <= max ? parsed(value, text) : problem(`${quote(text)} is not ${accepts}`)
    }
  })
}

/** Another kind that may also be `off`, which is undefined. */
export function orOff<T> (kind: Kind<T>): Kind<T | undefined> {
  return Object.freeze({
    accepts: `${kind.accepts}, or \`off\``,
    parse: (text: string, readFile: ReadFile) => text === 'off' ? parsed(undefined, text) : kind.parse(text, readFile)
  })
}

/** The text that replaces a secret wherever something is printed; of one length, so that it tells nothing. */
export const MASK = '********'

/** A secret of at least `minBytes` bytes. Its text is never shown. */
export function secret (minBytes: number, advice: string): Kind<string> {
  return Object.freeze({
    accepts: minBytes > 1 ? `${minBytes} bytes or more` : 'text',
    parse: (text: string) => Buffer.byteLength(text) >= minBytes
      ? parsed(text, MASK)
      : problem(`is shorter than ${minBytes} bytes: ${advice}`)
  })
}

/** A secret that the word `none` opts out of. */
export function secretOrNone (minBytes: number, advice: string): Kind<string> {
  const kind = secret(minBytes, advice)
  return Object.freeze({
    accepts: `${kind.accepts}, or \`none\``,
    parse: (text: string, readFile: ReadFile) => text === 'none' ? parsed(text, text) : kind.parse(text, readFile)
  })
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `30s`; undefined for anything else. */
function milliseconds (text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? []
  const factor = UNITS[unit ?? '']
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor
}

/**
 * A duration in milliseconds between `min` and `max` (written as durations themselves); with `zero`, also 0, with or
 * without a unit.
 */
export function duration (bounds: Readonly<{ min: string, max: string, zero?: boolean }>): Kind<number> {
  const min = milliseconds(bounds.min) ?? NaN
  const max = milliseconds(bounds.max) ?? NaN
  const accepts = `${bounds.zero === true ? '0, or ' : ''}a duration from ${bounds.min} to ${bounds.max}`
  return Object.freeze({
    accepts,
    parse: (text: string) => {
      const value = bounds.zero === true && text === '0' ? 0 : milliseconds(text)
      if (value === undefined && /^\d+$/.test(text)) {
        return problem(`${quote(text)} has no unit (ms, s, m, h or d): write ${accepts}`)
      }
      if (value === undefined) {
        return problem(`${quote(text)} is not a duration (digits and ms, s, m, h or d): write ${accepts}`)
      }
      if (value === 0 && bounds.zero === true) return parsed(value, text)
      return value >= min && value <= max
        ? parsed(value, text)
        : problem(`${quote(text)} is out of bounds: write ${accepts}`)
    }
  })
}
