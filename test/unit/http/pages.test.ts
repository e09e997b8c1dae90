import t from 'tap'
import { REFUSALS, type RefusalReason } from '../../../src/base/core/reason.ts'
import { NO_LINKS, PLAIN_TEXT } from '../../../src/base/http/pages.ts'

t.test('without a part for pages people get text, with the way to sign in', async (t) => {
  const pages = PLAIN_TEXT.refusals({ signIn: '/login', changeUser: '/logout' })
  t.equal(pages.headers[1], 'text/plain; charset=utf-8')
  for (const reason of Object.keys(REFUSALS) as RefusalReason[]) {
    const text = pages.render(reason, [], { reference: 'id-1', account: 'alice' })
    t.match(text, REFUSALS[reason].message)
    t.equal(text.includes('/login'), REFUSALS[reason].status === 401, reason)
    t.match(text, /\nid-1\n$/)
  }
  const { render } = PLAIN_TEXT.refusals(NO_LINKS)
  t.notMatch(render('no_credentials', [], { reference: 'id-1' }), 'undefined')
})

t.test('the page of a failed login names the cause, a fix, and a link to retry', async (t) => {
  const { render } = PLAIN_TEXT.logins((page) => page === 'cookie_missing' ? ['Look here.'] : [])
  const on = { reference: 'id-1', way: '/_auth/login' }
  t.equal(render('cookie_missing', [], on), 'The login ended here: cookie_missing.\nLook here.\n/_auth/login\nid-1\n')
  t.equal(render('signed_out', [], on), 'The login ended here: signed_out.\n/_auth/login\nid-1\n')
})
