import t, { type Test } from 'tap'
import { ask } from '../helpers/request.ts'
import { advisory } from './helpers/advisory.ts'
import { startWorld } from './helpers/world.ts'

// The login comes with a later version, and with it the corpus of several hundred redirects. Until then no answer has a Location at all.

const RETURNS = ['https://evil.example.com', '//evil.example.com', '/\\evil.example.com', '/\t/evil.example.com', '/%0d%0aLocation:%20//evil', 'https:evil.example.com', 'javascript:alert(1)', '/%2f%2fevil.example.com', 'https://app.example.com@evil.example.com',
  'https://APP.example.com.', 'https://app.example.com:444/', 'https://app.example.com.evil.example.com', 'https://xn--pp-xka.example.com', 'https://aрp.example.com', '////evil.example.com', '/.//evil.example.com', 'http://app.example.com%00.evil.example.com']

async function noRedirect (t: Test): Promise<void> {
  const { adapter } = await startWorld(t)
  for (const where of RETURNS.map(encodeURI)) {
    for (const path of ['/verify', `/verify?rd=${where}`, `/_auth/login?rd=${where}`, `/_auth/callback?state=${where}`, `/_auth/logout?rd=${where}`, `/oauth2/sign_in?rd=${where}`, where.startsWith('/') ? where : `/${where}`]) {
      const { status, headers, body } = await ask(adapter.port, { path, headers: [['Sec-Fetch-Mode', 'navigate'], ['Accept', 'text/html'], ['X-Forwarded-Host', 'evil.example.com'], ['X-Forwarded-Uri', where], ['X-Auth-Request-Redirect', where]] })
      t.ok([401, 404].includes(status), `${status} for ${path}`)
      for (const name of ['location', 'refresh', 'set-cookie', 'link']) t.notOk(name in headers, name)
      t.notMatch(body, /evil|javascript:|http-equiv/i, 'nor does a page lead there')
    }
  }
}

advisory(t, 'Traefik CVE-2020-15129, CVE-2026-48020, oauth2-proxy CVE-2020-11053, tinyauth #854', 'open redirects (no answer has a Location; the corpus comes with the login)', noRedirect)

advisory(t, 'Authelia CVE-2026-48794, tinyauth CVE-2026-77560', 'hosts to return to were compared with their case (there is no such host; the comparison comes with the login)', noRedirect)
