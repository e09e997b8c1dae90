import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { versionOf } from '../../../src/commands/version.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

function programOf (t: Test, text: string): URL {
  const folder = tempDir(t, 'version')
  mkdirSync(join(folder, 'dist'))
  writeFileSync(join(folder, 'package.json'), '{"version":"1.2.3"}')
  writeFileSync(join(folder, 'dist', 'main.js'), text)
  return pathToFileURL(join(folder, 'dist', 'main.js'))
}

t.test('the version names the commit of the build', async (t) => {
  const main = programOf(t, '')
  for (const [commit, shown] of [
    ['0123456789abcdef0123456789abcdef01234567', '01234567'],
    ['0123456789abcdef0123456789abcdef01234567-dirty', '01234567-dirty'],
    ['01234567', '01234567']
  ] as const) {
    t.equal(versionOf(main, commit), `1.2.3 (${shown})`)
  }
})

t.test('without a commit the version tells two builds apart by their digests', async (t) => {
  for (const commit of ['', 'unknown', '01234567-dirty; rm', '../../etc']) {
    const [one, same, other] = ['a', 'a', 'b'].map((text) => versionOf(programOf(t, text), commit))
    t.match(one, /^1\.2\.3 \(build [0-9a-f]{8}\)$/)
    t.equal(one, same)
    t.not(one, other)
  }
})
