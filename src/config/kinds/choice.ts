import { type Kind, parsed, problem } from '../kind.ts'
import { quote } from '../quote.ts'

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
