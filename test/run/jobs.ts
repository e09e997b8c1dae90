import { readdirSync, statSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'

/** One process: a test file, or the unit tests of a folder together. */
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
/** Longest first, so that none of them runs alone at the end; other folders after these. */
const ORDER = ['campaign', 'e2e', 'contract', 'integration', 'security', 'fuzz', 'authgear', 'unit']
/** What tests look at, and not tests. */
const FIXTURES = join('test', 'fixtures') + sep

/** A file that is named is run, whatever its tier. */
export function jobsOf ({ all, paths }: Choice): readonly Job[] {
  const files = paths.length > 0
    ? paths.flatMap((path) => testFiles(path, all || path.endsWith(ONLY_ALL)))
    : testFiles('test', all).filter((file) => !file.startsWith(FIXTURES))
  return [...alone(files), ...together(files)]
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

const isUnit = (file: string): boolean => levelOf(file) === 'unit'

function alone (files: readonly string[]): readonly Job[] {
  const long = (file: string): number => Number(!file.endsWith(ONLY_ALL))
  const folder = (file: string): number => [...ORDER, levelOf(file)].indexOf(levelOf(file))
  return files.filter((file) => !isUnit(file) || file.endsWith(ONLY_ALL))
    .sort((a, b) => long(a) - long(b) || folder(a) - folder(b) || a.localeCompare(b))
    .map((file) => ({ name: file, files: [file] }))
}

/** To start tap and to load src take most of a unit test's time: a folder does it once. */
function together (files: readonly string[]): readonly Job[] {
  const folders: Record<string, string[]> = {}
  for (const file of files.filter((file) => isUnit(file) && !file.endsWith(ONLY_ALL)).sort()) {
    const depth = file.startsWith(join('test', 'parts') + sep) ? 4 : 3
    const folder = dirname(file).split(sep).slice(0, depth).join(sep)
    ;(folders[folder] ??= []).push(file)
  }
  return Object.entries(folders).map(([folder, members]) =>
    ({ name: members.length === 1 ? members.join() : folder, files: members }))
}
