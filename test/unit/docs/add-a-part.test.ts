import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import type { OpenPart } from '../../../src/base/parts/feature.ts'
import type { Part } from '../../../src/base/parts/part.ts'
import type { Given } from '../../../src/base/parts/given.ts'
import type { Variables } from '../../../src/base/config/kind.ts'
import { mustFit } from '../../../src/app/features.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { until } from '../../helpers/until.ts'

const ROOT = join(import.meta.dirname, '../../..')
const PAGE = readFileSync(join(ROOT, 'docs/inside/add-a-part.md'), 'utf8')
const BLOCKS = [...PAGE.matchAll(/^```ts\n([^]+?)^```$/gm)].map(([, block = '']) => block)

type Maintenance = Part<Variables, never, string, Given, OpenPart & Readonly<{ vetoes: () => string | undefined }>>

/** The page's blocks as files of a folder that stands for the part's own. */
async function partOfThePage (folder: string): Promise<Maintenance> {
  const src = pathToFileURL(join(ROOT, 'src')).href
  const placed = (block: string): string => block.replaceAll("'../../", `'${src}/`)
  for (const [index, name] of ['index.ts', 'open.ts'].entries()) {
    writeFileSync(join(folder, name), placed(BLOCKS[index] ?? ''))
  }
  const { maintenance } = await import(pathToFileURL(join(folder, 'index.ts')).href) as
    Readonly<{ maintenance: Maintenance }>
  return maintenance
}

t.test('the part of docs/inside/add-a-part.md refuses everybody while its file exists', async (t) => {
  const folder = tempDir(t, 'add-a-part')
  const part = await partOfThePage(folder)
  const file = join(folder, 'on')
  t.equal(part.configure({ MAINTENANCE_FILE: undefined }, {}), undefined, 'off without its variable')
  const loaded = await part.configure({ MAINTENANCE_FILE: file }, {})?.load()
  let refused = 0
  const opened = loaded?.register({
    register: (() => ({ count: { refused: { add: () => { refused++ } } }, read: () => {} })) as never
  })({} as Given)
  if (loaded === undefined || opened === undefined) throw new Error('it is off')
  t.teardown(() => opened.close?.())
  mustFit(loaded, opened)
  t.equal(opened.vetoes(), undefined)
  writeFileSync(file, '')
  await until('it sees the file', () => opened.vetoes() === 'overloaded')
  t.ok(refused > 0, 'and counts')
  rmSync(file)
  await until('the file is gone', () => opened.vetoes() === undefined)
})
