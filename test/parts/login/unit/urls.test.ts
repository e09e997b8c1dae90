import t from 'tap'
import { readLoginQuery, writeLoginQuery, type LoginQuery } from '../../../../src/parts/login/flow/urls.ts'

const NOTHING: LoginQuery = { returnTo: undefined, maxAge: undefined, locales: undefined }

const ROWS: ReadonlyArray<readonly [query: string, means: Partial<LoginQuery>]> = [
  ['', {}],
  ['rd=', { returnTo: '' }],
  ['rd=https://a/x?b=1&c=2&max_age=0&rd=y', { returnTo: 'https://a/x?b=1&c=2&max_age=0&rd=y' }],
  ['max_age=300&rd=https://a/', { maxAge: 300, returnTo: 'https://a/' }],
  ['ui_locales=zh-Hant-HK+en&max_age=0&rd=https://a/', { locales: 'zh-Hant-HK en', maxAge: 0, returnTo: 'https://a/' }],
  ['ui_locales=de%20en', { locales: 'de en' }],
  ['utm=x&rd=https://a/', { returnTo: 'https://a/' }],
  ['xrd=https://a/', {}],
  ['max_age=-1&rd=x', { returnTo: 'x' }],
  ['max_age=1e3', {}],
  ['max_age=1&max_age=2', { maxAge: 1 }],
  ['ui_locales=%0d%0a', {}],
  ['ui_locales=en%26prompt%3Dx', {}]
]

for (const [query, means] of ROWS) {
  t.test(`?${query}`, async (t) => { t.strictSame(readLoginQuery(query), { ...NOTHING, ...means }) })
}

t.test('what is written is read again, whatever the address has in it', async (t) => {
  for (const returnTo of [undefined, 'https://a/?rd=x&max_age=9']) {
    for (const maxAge of [undefined, 0, 60]) {
      t.match(readLoginQuery(writeLoginQuery({ returnTo, maxAge }).slice(1)), { returnTo, maxAge })
    }
  }
})
