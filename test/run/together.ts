// `TEST_FILES=FILE,… node test/run/together.ts FOLDER`: the tests of several files in one process. tap names fixtures
// after the arguments: the folder, since all the files are too long a name.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

for (const file of (process.env['TEST_FILES'] ?? '').split(',')) await import(pathToFileURL(resolve(file)).href)
