// Writes what is generated from the code: `npm run docs`. A test fails when a file differs from what this writes.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { generatedFiles, leftovers } from './generated-files.ts'

const root = new URL('../', import.meta.url)
const files = await generatedFiles()
for (const path of leftovers(files)) rmSync(new URL(path, root))
for (const [path, text] of Object.entries(files)) {
  mkdirSync(new URL('./', new URL(path, root)), { recursive: true })
  writeFileSync(new URL(path, root), text)
}
