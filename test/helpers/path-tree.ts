import { posix } from 'node:path'
import { anchorOf } from '../../docs/site/pages.ts'

export type Repository = Readonly<{
  /** Of every file, from the root. */
  paths: readonly string[]
  read: (path: string) => string
}>

/** What a citation may name. */
export type PathTree = Readonly<{
  hasFile: (path: string) => boolean
  /** A file, with or without its endings, or a folder; a star stands for any name. */
  has: (path: string) => boolean
  /** The last parts of such a path. */
  hasEnd: (end: string) => boolean
  /** @param title as it stands in the page, or as its anchor */
  hasHeading: (page: string, title: string) => boolean
}>

export function createPathTree ({ paths, read }: Repository): PathTree {
  const files = new Set(paths)
  const names = new Set(paths.flatMap((path) => [...stemsOf(path), ...foldersOf(path)]))
  const ends = new Set([...names].flatMap(endsOf))
  const headings = new Map<string, Set<string>>()
  return Object.freeze({
    hasFile: (path: string) => files.has(path),
    has: (path: string) => path.includes('*') ? matchesOne(path, names) : names.has(posix.join(path)),
    hasEnd: (end: string) => ends.has(end),
    hasHeading (page: string, title: string) {
      const known = headings.get(page) ?? headingsOf(read(page))
      headings.set(page, known)
      return known.has(anchorOf(withoutTargets(title)))
    }
  })
}

/** The path, and the same without its endings: pages name tests so. */
function stemsOf (path: string): string[] {
  const { dir, base } = posix.parse(path)
  const [name = '', ...endings] = base.split('.')
  return [path, ...endings.map((_, count) => posix.join(dir, [name, ...endings.slice(0, count)].join('.')))]
}

function foldersOf (path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return ['.', ...parts.map((_, index) => parts.slice(0, index + 1).join('/'))]
}

function endsOf (path: string): string[] {
  const parts = path.split('/')
  return parts.map((_, index) => parts.slice(index).join('/'))
}

function matchesOne (glob: string, names: ReadonlySet<string>): boolean {
  const source = glob.replaceAll('.', '\\.').replace(/\*+/g, (stars) => stars.length > 1 ? '.*' : '[^/]*')
  const pattern = new RegExp(`^${source.replaceAll('.*/', '(?:.*/)?')}$`)
  return [...names].some((name) => pattern.test(name))
}

function headingsOf (page: string): Set<string> {
  return new Set(Array.from(page.matchAll(/^#+ (.*)$/gm), ([, title = '']) => anchorOf(withoutTargets(title))))
}

const withoutTargets = (title: string): string => title.replace(/\]\([^)]*\)/g, '')
