import { type Kind, parsed, problem } from '../kind.ts'
import { quote } from '../quote.ts'

const UNITS: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

/** Bytes of `64m`; undefined for anything else. */
function bytesOf (text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,12})([kmg])$/i.exec(text) ?? []
  const factor = UNITS[unit?.toLowerCase() ?? '']
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor
}

/** As an operator writes it: in the largest unit that leaves a whole number. */
export function showBytes (bytes: number): string {
  const [unit, factor] = Object.entries(UNITS).findLast(([, size]) => bytes >= size && bytes % size === 0) ?? ['k', 2 ** 10]
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
      if (value === undefined) return problem(`${quote(text)} is not an amount of memory (digits and k, m or g): write ${accepts}`)
      return value >= least && value <= most ? parsed(value, text) : problem(`${quote(text)} is out of bounds: write ${accepts}`)
    }
  })
}
