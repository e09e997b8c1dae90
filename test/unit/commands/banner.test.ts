import t from 'tap'
import { bannerOf } from '../../../src/commands/serve.ts'
import { configOf, load } from '../config/helpers.ts'

const SECRET = 'k'.repeat(32)

const rows: ReadonlyArray<readonly [env: NodeJS.ProcessEnv, banner: object]> = [
  [
    {},
    {
      version: '1.2.3',
      authgear: 'https://myapp.authgear.cloud',
      tiers: 'memory (100000 entries, 48m)',
      ttl: 'valid 30 s, refused 5 s, renewed at 80 %',
      listeners: 'main 0.0.0.0:4180, management 127.0.0.1:4181'
    }
  ],
  [
    {
      AUTHGEAR_RESOLVER_URL: 'http://resolver:3001/resolve',
      MANAGEMENT_LISTEN: 'off',
      LISTEN: 'unix:/run/a'
    },
    {
      authgear: 'https://myapp.authgear.cloud by http://resolver:3001/resolve',
      listeners: 'main unix:/run/a, management off'
    }
  ],
  [
    {
      REDIS_URL: `redis://u:${SECRET}@redis:6380`,
      CACHE_SECRET: SECRET,
      CACHE_MAX_ENTRIES: '5',
      CACHE_STALE_IF_ERROR: '10m',
      CACHE_TTL: '1500ms',
      CACHE_NEGATIVE_TTL: '0'
    },
    {
      tiers: 'memory (5 entries, 48m), Redis (redis:6380)',
      ttl: 'valid 1500 ms, refused not at all, renewed at 80 %, 600 s more while Authgear is down, 5 s while the ' +
        'revocation log is not followed'
    }
  ],
  [{ REDIS_CLUSTER: 'a:1,b:2', CACHE_SECRET: 'none' },
    { tiers: 'memory (100000 entries, 48m), Redis (the Cluster a:1, b:2, CACHE_SECRET=none)' }]
]

t.test('the first line names the endpoint, the cache and the listeners', async (t) => {
  for (const [env, banner] of rows) {
    const made = bannerOf(configOf(load(env)), '1.2.3')
    t.match(made, banner)
    t.notMatch(JSON.stringify(made), SECRET)
  }
})
