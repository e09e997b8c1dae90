import { type Kind, parsed, problem } from '../kind.ts'
import { quote } from '../quote.ts'

export const boolean: Kind<boolean> = Object.freeze({
  accepts: '`true` or `false`',
  parse: (text: string) => text === 'true' || text === 'false'
    ? parsed(text === 'true', text)
    : problem(`${quote(text)} is neither true nor false`)
})
