// `TEST_FILES=FILE,… node test/run/together.ts FOLDER`: the tests of several files in one process, one file after the
// other. tap names fixtures after the arguments: the folder, since all the files are too long a name.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import t, { type Base } from 'tap'

let subtests: Base[] = []
t.on('subtestAdd', (test) => subtests.push(test))

for (const file of (process.env['TEST_FILES'] ?? '').split(',')) {
  const at = { fileName: file, lineNumber: 1 }
  const before = t.count
  subtests = []
  await import(pathToFileURL(resolve(file)).href)
    .catch((error: unknown) => t.fail(`${file} cannot be loaded`, { at, found: inspect(error) }))
  await Promise.all(subtests.map(({ deferred }) => deferred?.promise))
  const outside = t.count - before - subtests.length
  const inside = subtests.reduce((sum, { counts }) => sum + counts.total, 0)
  if (outside + inside === 0) t.fail(`${file} asserts nothing`, { at })
}
