import type { Words } from './words.ts'
import de from './words/de.json' with { type: 'json' }
import en from './words/en.json' with { type: 'json' }
import es from './words/es.json' with { type: 'json' }
import fr from './words/fr.json' with { type: 'json' }
import ja from './words/ja.json' with { type: 'json' }
import ko from './words/ko.json' with { type: 'json' }
import pt from './words/pt.json' with { type: 'json' }
import zhHans from './words/zh-hans.json' with { type: 'json' }
import zhHant from './words/zh-hant.json' with { type: 'json' }

/** Catalogues by BCP 47 tag, which is also the page's `lang`. */
export const WORDS = {
  en, de, fr, es, pt, ja, 'zh-Hans': zhHans, 'zh-Hant': zhHant, ko
} as const satisfies Readonly<Record<string, Words>>

export type Language = keyof typeof WORDS

/** Browsers' are below 100 characters and name a handful; the rest of a longer one is not read. */
const MAX_CHARACTERS = 256
const MAX_RANGES = 16
const RANGE = /^([a-z]{2,3})((?:-[a-z0-9]{1,8})*)(?:;q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?$/
/** Regions that write Chinese in traditional characters, unless a script is named. */
const TRADITIONAL = /-(?:hant|tw|hk|mo)(?![a-z0-9])/
const BY_SUBTAG: ReadonlyMap<string, Language> = new Map(
  (Object.keys(WORDS) as Language[]).map((language) => [language.toLowerCase(), language])
)

/**
 * The language that a browser likes best among those that there are; English where there is none.
 * @param rawHeaders as they arrived; a stranger's
 */
export function readLanguage (rawHeaders: readonly string[]): Language {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (name.length === 15 && name.toLowerCase() === 'accept-language') return languageOf(rawHeaders[i + 1] ?? '')
  }
  return 'en'
}

function languageOf (value: string): Language {
  let best: Language = 'en'
  let bestWeight = 0
  for (const range of value.slice(0, MAX_CHARACTERS).toLowerCase().split(',', MAX_RANGES)) {
    const [, primary, more = '', q = '1'] = RANGE.exec(range.replaceAll(/[ \t]/g, '')) ?? []
    const language = primary === 'zh' ? chineseOf(more) : BY_SUBTAG.get(primary ?? '')
    if (language === undefined || Number(q) <= bestWeight) continue
    [best, bestWeight] = [language, Number(q)]
  }
  return best
}

function chineseOf (more: string): Language {
  return !more.includes('-hans') && TRADITIONAL.test(more) ? 'zh-Hant' : 'zh-Hans'
}
