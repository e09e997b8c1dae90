import { type Kind, parsed, problem } from '../kind.ts'
import { quote } from '../quote.ts'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** Milliseconds of `30s`; undefined for anything else. */
function milliseconds (text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,9})(ms|s|m|h)$/.exec(text) ?? []
  const factor = UNITS[unit ?? '']
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor
}

/** A duration in milliseconds between `min` and `max` (written as durations themselves); with `zero`, also 0, with or without a unit. */
export function duration (bounds: Readonly<{ min: string, max: string, zero?: boolean }>): Kind<number> {
  const min = milliseconds(bounds.min) ?? NaN
  const max = milliseconds(bounds.max) ?? NaN
  const accepts = `${bounds.zero === true ? '0, or ' : ''}a duration from ${bounds.min} to ${bounds.max}`
  return Object.freeze({
    accepts,
    parse: (text: string) => {
      const value = bounds.zero === true && text === '0' ? 0 : milliseconds(text)
      if (value === undefined && /^\d+$/.test(text)) return problem(`${quote(text)} has no unit (ms, s, m or h): write ${accepts}`)
      if (value === undefined) return problem(`${quote(text)} is not a duration (digits and ms, s, m or h): write ${accepts}`)
      if (value === 0 && bounds.zero === true) return parsed(value, text)
      return value >= min && value <= max ? parsed(value, text) : problem(`${quote(text)} is out of bounds: write ${accepts}`)
    }
  })
}
