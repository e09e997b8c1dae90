import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { startProcess } from '../helpers/process.ts'
import { ask } from '../helpers/request.ts'
import { makeTls } from '../helpers/tls.ts'

const MAIN = join(import.meta.dirname, '../../dist/main.js')

t.test('check, the start and the status page say that a certificate has ended', async (t) => {
  const { certFile, keyFile } = makeTls(t, [], 0)
  const env = {
    AUTHGEAR_ENDPOINT: 'https://a.example', LISTEN_TLS_CERT_FILE: certFile, LISTEN_TLS_KEY_FILE: keyFile
  }
  const { status, stdout } = spawnSync(process.execPath, [MAIN, 'check'], { env })
  t.equal(status, 1)
  t.match(stdout.toString(), /^error: LISTEN_TLS_CERT_FILE: its certificate ended less than a day ago/)
  const { logs, managementUrl } = await startProcess(t, env)
  t.match(logs(), /"level":"error".*the certificate of LISTEN_TLS_CERT_FILE ended/)
  const { body } = await ask(Number(new URL(managementUrl).port), { path: '/status.json', host: '127.0.0.1' })
  t.match(JSON.parse(body).verdicts[0], { level: 'bad', sentence: /TLS certificate has expired/ })
})
