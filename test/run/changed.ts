import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const PARTS = 'test/parts'

/** For `npm run check`: all unit tests, and the tests of what the next commit changes, without proxies and browsers. */
export function pathsOfCheck (): readonly string[] {
  const changed = changedFiles()
  const parts = changed.flatMap((file) => /^src\/parts\/([^/]+)\//.exec(file)?.[1] ?? [])
  const levels = [...new Set(parts)].flatMap((part) =>
    ['contract', 'integration', 'security'].map((level) => join(PARTS, part, level)))
  const units = ['test/unit', ...readdirSync(PARTS).map((part) => join(PARTS, part, 'unit'))]
  const paths = [...units, ...levels].filter((path) => existsSync(path))
  const tests = changed.filter((file) => file.endsWith('.test.ts') && existsSync(file) &&
    !file.startsWith('test/fixtures/') && !paths.some((path) => file.startsWith(`${path}/`)))
  return [...paths, ...tests]
}

/** Since the last commit; also files that git does not know yet. */
function changedFiles (): readonly string[] {
  const git = (...args: readonly string[]): readonly string[] =>
    execFileSync('git', args, { encoding: 'utf8' }).split('\n').filter((line) => line !== '')
  return [...git('diff', '--name-only', 'HEAD'), ...git('ls-files', '--others', '--exclude-standard')]
}
