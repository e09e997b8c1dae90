// Writes what is generated from the code: `npm run docs`. A test fails when a file differs from what this writes.
import { readFileSync, writeFileSync } from 'node:fs'
import { withAdvisories } from './advisories.mjs'
import { environmentExample, withVariablesTable } from '../dist/config/document.js'

const root = new URL('../', import.meta.url)
const page = new URL('docs/configuration.md', root)

writeFileSync(new URL('.env.example', root), environmentExample())
writeFileSync(page, withVariablesTable(readFileSync(page, 'utf8')))

const security = new URL('docs/security.md', root)
writeFileSync(security, withAdvisories(readFileSync(security, 'utf8')))
