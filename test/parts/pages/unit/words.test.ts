import t from 'tap'
import { type Language, WORDS } from '../../../../src/parts/pages/language.ts'

const placesIn = (text: string): readonly string[] => (text.match(/\{[^}]*\}/g) ?? []).toSorted()

for (const [language, words] of Object.entries(WORDS) as ReadonlyArray<[Language, Readonly<Record<string, string>>]>) {
  t.test(`the catalogue of ${language} has every key of the English one, with its places`, async (t) => {
    t.strictSame(Object.keys(words), Object.keys(WORDS.en), 'the same keys in the same order')
    for (const [key, english] of Object.entries(WORDS.en)) {
      const text = words[key] ?? ''
      t.match(text, /^\S(.*\S)?$/, `${key} says something`)
      t.strictSame(placesIn(text), placesIn(english), key)
    }
  })
}
