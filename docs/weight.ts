/** `npm run weight`: what the next person has to read, counted. docs/inside/weight.md has it before and after. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { tableOf } from './generated.ts'
import { parts } from '../src/parts/index.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Lines, its own among them; longer ones count. */
const LONG_FUNCTION = 25
/** Pages for users, beside README.md: what contributors need is in docs/inside. */
const FOR_USERS = ['docs', 'docs/apps', 'docs/proxies']

type Count = Readonly<{ files: number, lines: number }>

function filesIn (folder: string, isOne: (path: string) => boolean): readonly string[] {
  const all = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
  return all.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name)).filter(isOne)
}

const textOf = (path: string): string => readFileSync(path, 'utf8')

function count (paths: readonly string[]): Count {
  return { files: paths.length, lines: paths.reduce((sum, path) => sum + textOf(path).split('\n').length - 1, 0) }
}

/** Functions of more than LONG_FUNCTION lines; one that holds others counts beside them. */
function longFunctionsIn (path: string): number {
  const file = ts.createSourceFile(path, textOf(path), ts.ScriptTarget.Latest, true)
  const lineOf = (position: number): number => file.getLineAndCharacterOfPosition(position).line
  let found = 0
  const visit = (node: ts.Node): void => {
    const hasBody = ts.isFunctionLike(node) && 'body' in node && node.body !== undefined
    if (hasBody && lineOf(node.end) - lineOf(node.getStart()) >= LONG_FUNCTION) found++
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

/** A skill is for coding agents. */
const isForUsers = (name: string): boolean => name.endsWith('.md') && name !== 'SKILL.md'

function wordsForUsers (): number {
  const pages = FOR_USERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder)).filter(isForUsers).map((name) => join(folder, name)))
  return ['README.md', ...pages]
    .reduce((sum, page) => sum + (textOf(join(ROOT, page)).match(/\S+/g)?.length ?? 0), 0)
}

const isData = (path: string): boolean => path.endsWith('.json')
const source = filesIn('src', (path) => !isData(path))
const data = filesIn('src', isData)
const tests = filesIn('test', (path) => /[.]m?ts$|[.]mjs$/.test(path) && !path.includes('/fixtures/'))
/** Files of src outside its folder that name a part: its variables, headers, folder, or a title of two words. */
function namersOf ({ name, title, variables, sends }: (typeof parts)[number]): readonly string[] {
  const titles = title.includes(' ') ? [title] : []
  // a word of English is no variable
  const named = Object.keys(variables).map((variable) => `\\b${variable}\\b`)
  const variable = new RegExp([...named, `parts/${name}/`].join('|'))
  const words = new RegExp([...sends?.names ?? [], `parts/${name}`, ...titles].join('|'), 'i')
  const own = join('src/parts', name) + sep
  return source.filter((path) => !path.includes(own) && (variable.test(textOf(path)) || words.test(textOf(path))))
}

const decisions = readdirSync(join(ROOT, 'docs/inside/decisions')).filter((name) => /^\d/.test(name))
const isCode = (path: string): boolean => !path.includes('/fixtures/') && !isData(path)
const linesOf = (folder: string): number => count(filesIn(folder, isCode)).lines
const rows: ReadonlyArray<readonly [string, number]> = [
  ['files in `src`', count(source).files],
  ['lines in `src`', count(source).lines],
  ['lines of data: texts of pages', count(data).lines],
  ['lines of the base', linesOf('src/base')],
  ['entries under `src`', readdirSync(join(ROOT, 'src')).length],
  [`functions of more than ${LONG_FUNCTION} lines`, source.filter((path) => path.endsWith('.ts'))
    .reduce((sum, path) => sum + longFunctionsIn(path), 0)],
  ['lines of tests, without fixtures', count(tests).lines],
  ['decisions', decisions.length],
  ['words for users', wordsForUsers()]
]
const ofParts = parts.map((part) => {
  const under = (folder: string): number => linesOf(join(folder, part.name))
  return [part.name, under('src/parts'), under('test/parts'), namersOf(part).length] as const
})
console.log(tableOf(['what', 'how much'], rows.map(([what, much]) => [what, much.toLocaleString('en-US')])))
console.log(tableOf(['part', 'lines of `src`', 'of tests', 'files outside that name it'],
  ofParts.map(([name, ...counts]) => [name, ...counts.map((one) => one.toLocaleString('en-US'))])))
