import { type Kind, parsed, problem } from '../kind.ts'
import { quote } from '../quote.ts'

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
