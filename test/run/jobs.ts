import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'

/** One process: a test file, or those of a folder together. */
export interface Job {
  readonly name: string
  readonly files: readonly string[]
}

/** What is run: the folders and files named; none = everything of the tier. */
export interface Choice {
  readonly all: boolean
  readonly paths: readonly string[]
}

/** A file that only `npm run test:all` runs. */
const ONLY_ALL = '.all.test.ts'
/** Begun in this order; other folders after these. */
const ORDER = ['campaign', 'e2e', 'contract', 'security', 'integration', 'fuzz', 'authgear', 'unit']
/** Its files start proxies and browsers, or last minutes. */
const ALONE = ['campaign', 'e2e']
/** A file's first line that says why it needs a process of its own: `// alone: it measures this process's memory`. */
const ALONE_MARK = '// alone: '
/** Files that share a process: more would make the last one to end too long. Unit tests are short. */
const MOST_TOGETHER = 8
/** What tests look at, and not tests. */
const FIXTURES = join('test', 'fixtures') + sep

/** A file that is named is run, whatever its tier. */
export function jobsOf ({ all, paths }: Choice): readonly Job[] {
  const files = paths.length > 0
    ? paths.flatMap((path) => testFiles(path, all || path.endsWith(ONLY_ALL)))
    : testFiles('test', all).filter((file) => !file.startsWith(FIXTURES))
  return [...alone(files), ...together(files)].sort((a, b) => rankOf(a) - rankOf(b) || a.name.localeCompare(b.name))
}

function testFiles (root: string, all: boolean): readonly string[] {
  const found = statSync(root).isDirectory()
    ? readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => join(root, name))
    : [root]
  return found.filter((name) => name.endsWith('.test.ts') && (all || !name.endsWith(ONLY_ALL)))
}

/** `unit`, `integration`, …: of a part's tests the folder below the part's. */
function levelOf (file: string): string {
  const [, level = '', , levelOfPart = ''] = file.split(sep)
  return level === 'parts' ? levelOfPart : level
}

/** What only `npm run test:all` runs takes longest, then folders in their order. */
function rankOf ({ files: [file = ''] }: Job): number {
  const folder = [...ORDER, levelOf(file)].indexOf(levelOf(file))
  return file.endsWith(ONLY_ALL) ? folder - ORDER.length : folder
}

function isAlone (file: string): boolean {
  return file.endsWith(ONLY_ALL) || ALONE.includes(levelOf(file)) || readFileSync(file, 'utf8').startsWith(ALONE_MARK)
}

function alone (files: readonly string[]): readonly Job[] {
  return files.filter(isAlone).map((file) => ({ name: file, files: [file] }))
}

/** To start tap and to load src take most of a short test's time: a folder's files do it once. */
function together (files: readonly string[]): readonly Job[] {
  const folders = Object.groupBy(files.filter((file) => !isAlone(file)).sort(), folderOf)
  return Object.entries(folders).flatMap(([folder, members = []]) => {
    const groups = levelOf(members[0] ?? '') === 'unit' ? [members] : inGroups(members)
    return groups.map((group, index) => ({
      name: group.length === 1 ? group.join() : groups.length === 1 ? folder : `${folder} ${index + 1}/${groups.length}`,
      files: group
    }))
  })
}

/** `test/integration`, `test/parts/login/security`; of unit tests one folder more. */
function folderOf (file: string): string {
  const depth = (file.startsWith(join('test', 'parts') + sep) ? 4 : 2) + Number(file.startsWith(join('test', 'unit')))
  return dirname(file).split(sep).slice(0, depth).join(sep)
}

/** Of about the same size. */
function inGroups (files: readonly string[]): ReadonlyArray<readonly string[]> {
  const groups = Math.ceil(files.length / MOST_TOGETHER)
  return Array.from({ length: groups }, (_, group) => files.filter((_, index) => index % groups === group))
}
