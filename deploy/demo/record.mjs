// @ts-check
import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** @typedef {{ folder: string, file: string }} AccessRecord */

/** A file for the access record, in a folder that ends with the demo. @returns {AccessRecord | undefined} */
export function createRecord () {
  // the service takes no path of Windows
  if (process.platform === 'win32') return undefined
  const folder = mkdtempSync(join(tmpdir(), 'forward-auth-record-'))
  return { folder, file: join(folder, 'access.jsonl') }
}

const QUESTION = '[.at, .verdict // .event, .user // .client // "nobody", .method, .path]'

/** What prints who opened what, as it is typed. @param {string} file @param {boolean} [hasJq] */
export function recordLines (file, hasJq = spawnSync('jq', ['--version']).status === 0) {
  return hasJq
    ? [`jq -c '${QUESTION}' '${file}'`]
    : [
        'node -e \'for (const line of require("node:fs").readFileSync(process.argv[1], "utf8").trim().split("\\n")) {',
        '    const { at, verdict, event, user, client = "nobody", method, path } = JSON.parse(line)',
        `    console.log(at, verdict ?? event, user ?? client, method, path) }' '${file}'`
      ]
}
