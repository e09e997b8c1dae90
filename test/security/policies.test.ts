import t from 'tap'
import { ask } from '../helpers/request.ts'
import { advisory } from './helpers/advisory.ts'
import { ALICE, BOB, identityOf, startWorld } from './helpers/world.ts'

advisory(t, 'Oathkeeper CVE-2021-32701', 'a cache hit skipped the check of scopes', async (t) => {
  const { verify } = await startWorld(t)
  t.equal((await verify([BOB])).status, 200)
  for (let i = 0; i < 3; i++) {
    t.match(await verify([BOB], '?role=admin'), { status: 403 }, 'the same session, on a stricter route')
    t.match(await verify([BOB]), { status: 200, headers: { 'x-forward-auth-source': 'memory' } })
  }
})

advisory(t, 'ingress-nginx CVE-2025-24514', 'a value in the auth URL became configuration', async (t) => {
  const { verify } = await startWorld(t)
  const values = [
    'role=admin;return+200', 'role=admin%0a}', 'role=admin"}', 'role=$(id)', 'role={{1}}', 'role=admin#', 'max_age=1;x',
    'role=admin%26verified=true', 'amr=mfa"', 'role=`id`', "role='", 'role=admin%2C', 'role=admin%3Breturn+200',
    'role=admin%00', 'role=%00admin', 'role=admin%', 'role=admin%C0%AC', 'role=admin%252Cx', 'role=%2561dmin',
    'role=x%26role%3Dadmin', 'role=admin%26', '%72ole=admin'
  ]
  for (const value of values) {
    const answer = await verify([ALICE], `?${value}`)
    t.equal(answer.status, 403, value)
    t.notOk(JSON.stringify(answer).includes(value.split('=')[1] ?? ''), 'and it is not echoed')
  }
})

advisory(t, 'mkuhlmann/forward-auth', 'the query overrode the configuration', async (t) => {
  const { verify } = await startWorld(t)
  const overrides = [
    'optional=1', 'redirect_uri=x', 'issuer=https://evil.example.com', 'endpoint=x', 'AUTHGEAR_ENDPOINT=x',
    'cache_ttl=0', 'skip=1', 'allow=all', 'role', 'role%3Dadmin', 'anonymous=true', 'verified=false', 'login=on',
    'preflight=allow', 'optional=1&role=admin'
  ]
  for (const query of overrides) {
    t.equal((await verify([ALICE], `?${query}`)).status, 403, query)
    t.equal((await verify([], `?${query}`)).status, 401, `${query}, and nobody`)
  }
})

advisory(t, 'Caddy uri without a question mark', 'the client\'s own query reached the policy', async (t) => {
  const { adapter, verify } = await startWorld(t)
  for (const theirs of [
    'optional=1&role=x', 'role=', 'anonymous=true', 'max_age=999999999', 'role=admin', '%72ole=x', 'role=x%2Cadmin',
    'role=%2C', '%26role=x', 'role=x%26', 'role=%2572', 'max_age=999999999%00', '%C0%A6role=x'
  ]) {
    for (const ours of ['role=admin', 'verified=true', 'amr=mfa']) {
      for (const query of [`?${ours}&${theirs}`, `?${theirs}&${ours}`]) {
        t.not((await verify([BOB], query)).status, 200, `${query}: it can only tighten`)
      }
    }
    const answer = await ask(adapter.port, {
      path: `/ext-authz/p?${theirs}`, headers: [BOB, ['x-forward-auth-policy', 'role=admin']]
    })
    t.equal(answer.status, 403)
    t.same(identityOf(answer), [])
  }
})
