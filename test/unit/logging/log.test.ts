import t from 'tap'
import { describe } from '../../../src/base/logging/log.ts'

t.test('truncates an error of Redis that repeats a command', async t => {
  const rows: readonly (readonly [said: string, logged: string])[] = [
    ["ERR unknown command 'auth', with args beginning with: 'a-password' ", "ERR unknown command 'auth'"],
    [
      'ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `default`, `a\npassword`, ',
      'ERR unknown command `HELLO`'
    ],
    [
      'WRONGPASS invalid username-password pair or user is disabled.',
      'WRONGPASS invalid username-password pair or user is disabled.'
    ]
  ]
  for (const [said, logged] of rows) {
    t.strictSame(describe(new Error(said)), { message: logged })
    t.strictSame(describe(new Error('down', { cause: new Error(said) })), { message: 'down', cause: logged })
  }
})

t.test('what is no error says nothing', async t => {
  t.strictSame(describe('a-password'), { message: 'a value that is not an Error was thrown' })
})
