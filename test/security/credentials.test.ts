import t from 'tap'
import { sendRaw } from '../helpers/raw-http.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { demo } from '../helpers/simulator.ts'
import { startUpstream, reply } from '../helpers/upstream.ts'
import { startInProcess } from '../helpers/in-process.ts'
import { advisory } from './helpers/advisory.ts'
import { ALICE, identityOf, startWorld } from './helpers/world.ts'

const cookie = (value: string): HeaderLine => ['Cookie', value]

advisory(t, 'authentik CVE-2026-25748', 'a malformed cookie gave 200 without an identity', async (t) => {
  const { verify } = await startWorld(t)
  const bad = [
    'session',
    'session=',
    'session="',
    'session=""',
    'session=.',
    `session=${'x'.repeat(1025)}`,
    `session=${'x'.repeat(60_000)}`,
    'session=\xff',
    'session=a; session=b',
    `session=a; session=${demo.alice.cookie}`,
    `session=${demo.alice.cookie}x`,
    `Session=${demo.alice.cookie}`,
    `${'a=b;'.repeat(3000)}session=${demo.alice.cookie}`,
    'app_session=;app_access_token=;session=',
    ';;;',
    '=',
    '='.repeat(5000)
  ]
  for (const value of bad) {
    const answer = await verify([cookie(value)])
    t.equal(answer.status, 401, value.slice(0, 40))
    t.same(identityOf(answer), [])
  }
  const names = [['X-Authgear-Session-Valid', 'true']] as const
  const upstream = await startUpstream(t, (socket) => socket.write(reply(200, [...names])))
  const { port } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud',
    AUTHGEAR_RESOLVER_URL: `http://127.0.0.1:${upstream.port}/resolve`
  })
  t.equal((await ask(port, { path: '/verify', headers: [ALICE] })).status, 401, '`true` without a user')
})

advisory(t, 'oauth2-proxy CVE-2026-34457', 'a health checker\'s User-Agent was allowed everywhere', async (t) => {
  const { verify } = await startWorld(t)
  const probes = [
    'kube-probe/1.30', 'GoogleHC/1.0', 'ELB-HealthChecker/2.0', 'Amazon-Route53-Health-Check-Service', 'Envoy/HC',
    'HAProxy', 'Consul Health Check', 'Prometheus/2.53.0', 'UptimeRobot/2.0', 'Pingdom.com_bot_version_1.4',
    'Better Uptime Bot', 'Blackbox Exporter/0.25.0', 'curl/8', 'NodePing', ''
  ]
  for (const probe of probes) {
    for (const query of ['', '?verified=true']) {
      t.equal((await verify([['User-Agent', probe]], query)).status, 401, probe)
    }
  }
})

advisory(t, 'oauth2-proxy CVE-2026-41059, CVE-2025-54576, Authelia CVE-2021-32637, Envoy GHSA-9g5w-hqr3-w2ph',
  'a malformed URL or a header that is not UTF-8 gave access', async (t) => {
    const { adapter } = await startWorld(t)
    const targets = [
      '/verify%', '/verify?%', '/verify?%zz', '/verify?\x80', '/verify?role=%00', '/verify#', '/verify?#', '\\verify',
      '/verify\\', 'verify', '*', 'http://[::1', 'http:///verify', '//', '/verify?role=\xff\xfe', '/verify ?', ''
    ]
    for (const target of targets) {
      for (const line of ['X: y', 'X: \xff\xfe', 'X-Forwarded-Uri: /%zz', 'Cookie: session=\xc3\x28']) {
        const answer = await sendRaw(
          adapter.port, `GET ${target} HTTP/1.1\r\nHost: x\r\n${line}\r\nConnection: close\r\n\r\n`
        )
        t.not(answer?.status, 200, `${target}, ${line}`)
        t.same(answer?.headers.filter(([name]) => name.toLowerCase().startsWith('x-authgear-')) ?? [], [])
      }
    }
  })

advisory(t, 'Traefik CVE-2026-41181', 'Authorization and Cookie were sent on to the error pages', async (t) => {
  const canary = 'c4n4ryc4n4ryc4n4ryc4n4ryc4n4ry00'
  const { adapter, authgear, verify } = await startWorld(t)
  const outputs: string[] = []
  for (const failure of ['none', 'error', 'redirect', 'not-http', 'endless-body'] as const) {
    if (failure !== 'none') authgear.controls.fail(failure)
    for (const accept of ['text/html', 'application/json']) {
      const answer = await verify(
        [
          ['Authorization', `Bearer ${canary}`],
          cookie(`session=${canary}; app_session=${canary}; other=${canary}`),
          ['Accept', accept]
        ],
        `?role=${canary}&x=${canary}`
      )
      t.not(answer.status, 200)
      outputs.push(JSON.stringify(answer))
    }
    authgear.controls.recover()
  }
  outputs.push(JSON.stringify(adapter.lines), await adapter.service.metrics.render())
  t.ok(outputs.every((output) => !output.includes(canary)),
    'no body, header, log line or metric holds it; for every other output see secrets.test.ts')
})

advisory(t, 'Authgear nginx cache recipe', 'one user\'s identity was served to others', async (t) => {
  const { verify } = await startWorld(t)
  const people = [['alice', demo.alice], ['bob', demo.bob], ['anonymous', demo.anonymous]] as const
  for (const when of ['asked', 'remembered']) {
    for (const [name, person] of people) {
      t.equal((await verify([cookie(`app_access_token=${person.accessToken}`)])).headers['x-authgear-user-id'],
        person.id, `${name}, ${when}`)
    }
    t.equal((await verify()).status, 401, 'a visitor')
  }
})
