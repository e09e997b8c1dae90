import { closeSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openLogOutput } from '../../src/base/logging/log.ts'
import { startOnFile } from '../helpers/on-pipe.ts'
import { ask } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'

const signedIn = { path: '/verify', headers: [['Authorization', `Bearer ${demo.alice.accessToken}`] as const] }

function tempFile (): string {
  const folder = mkdtempSync(join(tmpdir(), 'full-disk-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return join(folder, 'out')
}

const tooSmall = tempFile()
const DISKS = [
  { name: 'a full disk', file: '/dev/full', limit: ':' },
  { name: 'a file that reached its size limit', file: tooSmall, limit: 'ulimit -f 1' }
]

for (const { name, file, limit } of DISKS) {
  for (const record of ['', 'stdout']) {
    t.test(`keeps answering with its log on ${name}${record === '' ? '' : ', the access record too'}`, async (t) => {
      const simulator = await startSimulator(t)
      const service = await startOnFile(
        t, { AUTHGEAR_ENDPOINT: simulator.url, LOG_LEVEL: 'trace', ...record !== '' && { ACCESS_RECORD: record } },
        file, limit
      )
      for (let i = 0; i < 20; i++) {
        t.equal((await ask(service.port, { path: '/verify' })).status, 401)
        t.equal((await ask(service.port, signedIn)).status, 200)
      }
      service.signal('SIGTERM')
      t.equal(await service.ended, 0, 'and ends as usual')
    })
  }
}

t.test('the limit of the second disk was reached', async (t) => {
  t.equal(statSync(tooSmall).size, 1024)
})

t.test('lines that a full disk does not take are dropped, not kept', async (t) => {
  const fd = openSync('/dev/full', 'a')
  t.teardown(() => closeSync(fd))
  const output = openLogOutput(fd)
  const line = `${'x'.repeat(64 * 1024)}\n`
  const before = process.memoryUsage().rss
  for (let i = 0; i < 4096; i++) output.write(line)
  t.ok(process.memoryUsage().rss - before < 64 * 2 ** 20, 'of 256 MiB')
})
