import t from 'tap'
import { type Language, readLanguage } from '../../../../src/parts/pages/language.ts'

const ROWS: ReadonlyArray<readonly [sent: string, language: Language]> = [
  ['', 'en'],
  ['de-DE,de;q=0.9,en;q=0.8', 'de'],
  ['en-GB,en;q=0.9,de;q=0.8', 'en'],
  ['fi,sv;q=0.9,fr;q=0.7,en;q=0.3', 'fr'],
  ['fi, sv', 'en'],
  ['en;q=0.3, pt-BR', 'pt'],
  ['ES', 'es'],
  ['ja', 'ja'],
  ['ko-KR', 'ko'],
  ['zh', 'zh-Hans'],
  ['zh-CN,zh;q=0.9', 'zh-Hans'],
  ['zh-TW,zh;q=0.9,en;q=0.8', 'zh-Hant'],
  ['zh-HK', 'zh-Hant'],
  ['zh-Hant-CN', 'zh-Hant'],
  ['zh-Hans-TW', 'zh-Hans'],
  ['de;q=0, fr;q=0.1', 'fr'],
  ['de;q=0', 'en'],
  ['*', 'en'],
  ['de;q=2, fr;q=0.5', 'fr'],
  ['de;level=1', 'en'],
  ['<script>, "de"', 'en'],
  ['german', 'en'],
  [`${'x,'.repeat(16)}de`, 'en'],
  [`${' '.repeat(256)}de`, 'en'],
  [`de,${'fr;q=0.9,'.repeat(100_000)}`, 'de'],
  [`fr,de-${'a-'.repeat(100_000)}`, 'fr'],
  ['de-aaaaaaaaa', 'en']
]

t.test('the language that a browser likes best among ours, from a little of its header', async (t) => {
  for (const [sent, language] of ROWS) {
    t.equal(readLanguage(['Host', 'x', 'Accept-LANGUAGE', sent]), language, sent.slice(0, 60))
  }
  t.equal(readLanguage(['Host', 'de']), 'en', 'none')
  t.equal(readLanguage(['accept-language', 'de', 'accept-language', 'fr']), 'de', 'of several lines the first')
})
