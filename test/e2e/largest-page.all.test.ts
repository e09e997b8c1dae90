import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { startBefore, startOneReplica } from './one-replica.ts'
import { BOB, cookieOf } from './people.ts'
import { EVERY_WAY, traefikPlain } from './proxies.ts'

const NAVIGATION = [
  ['Accept', 'text/html'], ['Sec-Fetch-Mode', 'navigate'], ['Sec-Fetch-Dest', 'document'], ['Accept-Language', 'fr']
] as const
/** nginx makes pages of its own. */
const PROXIES = EVERY_WAY.filter(({ facts, tls }) => facts.passesRefusals && !tls).concat(traefikPlain)
const POLICY = ['--policy', '/=role=admin&name=Finance_reports']

const skip = skipOrFail(...PROXIES.map(({ server }) => server))

t.test('a page with the largest logo reaches people whole', { skip }, async (t) => {
  const logo = join(tempDir(t, 'logo'), 'logo.svg')
  writeFileSync(logo, '<svg xmlns="http://www.w3.org/2000/svg"/>'.padEnd(16 * 1024))
  const replica = await startOneReplica(t, { BRAND_LOGO_FILE: logo, DENIED_TEXT: 'Ask Kim.' }, { grpc: true })
  for (const proxy of PROXIES) {
    const { port } = await startBefore(t, proxy, replica, { options: POLICY })
    const { status, body, headers } = await ask(port, { headers: [cookieOf(BOB), ...NAVIGATION] })
    t.equal(status, 403, proxy.snippet)
    t.match(body, /^<!DOCTYPE html>\n<html lang="fr">[^]*<b>Finance reports<\/b>[^]*Ask Kim\.[^]*<\/html>\n$/, proxy.snippet)
    t.ok(body.length > 40_000, `${proxy.snippet}: ${body.length}`)
    t.match(headers['content-security-policy'], 'img-src data:;', proxy.snippet)
  }
})
