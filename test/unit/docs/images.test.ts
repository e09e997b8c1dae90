import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MAX_PICTURE_BYTES } from '../../helpers/docs-picture.ts'

const ROOT = join(import.meta.dirname, '../../..')
const IMAGES = join(ROOT, 'docs/images')
const read = (folder: string, ending: string): string =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith(ending))
    .map((path) => readFileSync(join(ROOT, folder, path), 'utf8'))
    .join('\n')
const pictures = readdirSync(IMAGES).filter((name) => name.endsWith('.png'))
const pages = `${read('docs', '.md')}\n${readFileSync(join(ROOT, 'README.md'), 'utf8')}`
const tests = read('test/e2e', '.test.ts')
/** Of the machine that took it: its home, its folders, its name. */
const OF_A_MACHINE = /\/(?:home|root|work|tmp|Users)\//

t.test('each picture is taken by a test, shown on a page, small, and of no machine', async (t) => {
  t.ok(pictures.length >= 8)
  for (const name of pictures) {
    t.ok(tests.includes(`'${name.replace('.png', '')}'`), `${name}: a test takes it with SCREENSHOTS=1`)
    t.ok(pages.includes(`images/${name})`), `${name}: a page shows it`)
    t.ok(statSync(join(IMAGES, name)).size < MAX_PICTURE_BYTES, `${name}: small`)
    t.notMatch(readFileSync(join(IMAGES, name)).toString('latin1'), OF_A_MACHINE, `${name}: no path in it`)
  }
})
