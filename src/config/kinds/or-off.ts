import { type Kind, parsed, type ReadFile } from '../kind.ts'

/** Another kind that may also be `off`, which is undefined. */
export function orOff<T> (kind: Kind<T>): Kind<T | undefined> {
  return Object.freeze({
    accepts: `${kind.accepts}, or \`off\``,
    parse: (text: string, readFile: ReadFile) => text === 'off' ? parsed(undefined, text) : kind.parse(text, readFile)
  })
}
