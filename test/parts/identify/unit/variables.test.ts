import t from 'tap'
import { bannerOf } from '../../../../src/commands/serve.ts'
import { configOf, errorsOf, load } from '../../../unit/config/helpers.ts'

const WRONG: ReadonlyArray<readonly [NodeJS.ProcessEnv, RegExp]> = [
  [{ IDENTIFY_LISTEN: 'none' }, /^IDENTIFY_LISTEN: .*not an address/],
  [{ IDENTIFY_LISTEN: ':4182' }, /^IDENTIFY_LISTEN: .*lacks a host/],
  [{ IDENTIFY_LISTEN: '0.0.0.0:4180' }, /^IDENTIFY_LISTEN: .*the same address as LISTEN/],
  [{ IDENTIFY_LISTEN: '[::]:4181' }, /^IDENTIFY_LISTEN: .*the same address as MANAGEMENT_LISTEN/],
  [{ LISTEN: 'unix:/run/a', IDENTIFY_LISTEN: 'unix:/run/./a' }, /^IDENTIFY_LISTEN: .*the same address as LISTEN/],
  [{ IDENTIFY_LISTN: '127.0.0.1:4182' }, /^IDENTIFY_LISTN: .*did you mean IDENTIFY_LISTEN/]
]

t.test('a wrong address is refused by one error', async (t) => {
  for (const [env, error] of WRONG) {
    const errors = errorsOf(load(env))
    t.match(errors, [error])
    t.equal(errors.length, 1)
  }
})

const LISTENS: ReadonlyArray<readonly [NodeJS.ProcessEnv, banner: string]> = [
  [{ IDENTIFY_LISTEN: 'off' }, 'main 0.0.0.0:4180, management 127.0.0.1:4181'],
  [{ IDENTIFY_LISTEN: '[::1]:4182' }, 'main 0.0.0.0:4180, management 127.0.0.1:4181, identify [::1]:4182'],
  [{ IDENTIFY_LISTEN: 'unix:/run/i', MANAGEMENT_LISTEN: 'off' },
    'main 0.0.0.0:4180, management off, identify unix:/run/i'],
  [{ IDENTIFY_LISTEN: '127.0.0.1:4181', MANAGEMENT_LISTEN: 'off' },
    'main 0.0.0.0:4180, management off, identify 127.0.0.1:4181']
]

t.test('the first line says where it listens', async (t) => {
  for (const [env, banner] of LISTENS) t.equal(bannerOf(configOf(load(env)), '1.2.3').listeners, banner)
})
