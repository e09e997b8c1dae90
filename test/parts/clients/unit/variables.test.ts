import t from 'tap'
import { read } from '../../../../src/base/config/read.ts'
import { variables } from '../../../../src/parts/clients/variables.ts'
import { configOf, errorsOf, load, warningsOf } from '../../../unit/config/helpers.ts'

const RESOURCES = 'https://api.example.com'

t.test('blocked clients are named by id and by host, in one spelling', async (t) => {
  const CLIENTS_BLOCKED = 'dcrc_1\n  HTTPS://Evil.example.:443 https://*.evil.example:8443 https://a.example/%61.json'
  t.match(read('CLIENTS_BLOCKED', variables.CLIENTS_BLOCKED, { CLIENTS_BLOCKED }, () => ''), {
    kind: 'read',
    value: [
      'dcrc_1', 'https://evil.example', 'https://*.evil.example:8443', 'https://a.example/a.json'
    ]
  })
})

/** What would block nobody, and the sentence for it. */
const BLOCKS_NOBODY: ReadonlyArray<readonly [value: string, error: RegExp]> = [
  ['dcrc_1,dcrc_2', /has a comma/],
  ['http://evil.example', /https:\/\//],
  ['https://evil.example/', /leave out the slash/],
  ['https://*.com', /top-level/],
  ['*.evil.example', /https:\/\/\*/],
  ['https://user@evil.example', /user name/],
  [Array.from({ length: 1001 }, (_, i) => `c${i}`).join(' '), /more than 1000/]
]

t.test('a block that matches no client is an error', async (t) => {
  for (const [CLIENTS_BLOCKED, error] of BLOCKS_NOBODY) {
    t.match(errorsOf(load({ CLIENTS_BLOCKED })).join(), error, CLIENTS_BLOCKED.slice(0, 60))
  }
  t.match(warningsOf(load({ CLIENTS_BLOCKED: 'evil.example', RESOURCES })).join(),
    /"evil.example" is read as a client's id/)
  t.match(warningsOf(load({ CLIENTS_BLOCKED: 'dcrc_1' })).join(), /CLIENTS_BLOCKED: has no effect without RESOURCES/)
})

t.test('without RESOURCES no token has a client: the part is off', async (t) => {
  const isOn = (env: NodeJS.ProcessEnv): boolean => configOf(load(env)).parts.some(({ name }) => name === 'clients')
  t.notOk(isOn({ CLIENTS_BLOCKED: 'dcrc_1' }))
  t.ok(isOn({ RESOURCES }))
})
