import t from 'tap'
import type { LoginPage } from '../../../../src/base/core/reason.ts'
import { adviceOf } from '../../../../src/parts/login/advice.ts'
import { PAGE_STATUS } from '../../../../src/parts/login/flow/responses.ts'

const PAGES = Object.keys(PAGE_STATUS) as LoginPage[]

t.test('no page but that of a sign-out is a success', async (t) => {
  t.strictSame(PAGES.filter((page) => PAGE_STATUS[page] < 400), ['signed_out'])
})

t.test('the operator reads the name of the cookie that did not come', async (t) => {
  const advice = adviceOf('authgear', 'my_session')
  for (const page of ['cookie_missing', 'cookie_unknown'] as const) t.match(advice(page).join(), '“my_session”')
  t.match(advice('redirect_loop').join(), /a cookie “[^]*http\.cookie_prefix[^]*AUTHGEAR_COOKIE_PREFIX/)
  for (const page of PAGES) t.notMatch(advice(page).join(), /undefined|\{cookie\}/, page)
})

t.test('where the session is our own, its advice is', async (t) => {
  const advice = adviceOf('own', 'forward-auth')('redirect_loop').join()
  t.match(advice, 'the proxy must pass the cookie “forward-auth” on')
  t.notMatch(advice, 'http.cookie_domain')
})
