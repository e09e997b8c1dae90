import { type Kind, parsed, problem } from '../kind.ts'
import { quote } from '../quote.ts'

/** A part of a whole: 0 for none of it, and never all of it. */
export function share (max: number): Kind<number> {
  const accepts = `0, or a number up to ${max}`
  return Object.freeze({
    accepts,
    parse: (text: string) => {
      const value = /^(0|0?\.\d{1,4})$/.test(text) ? Number(text) : NaN
      return value <= max ? parsed(value, text) : problem(`${quote(text)} is not ${accepts}`)
    }
  })
}
