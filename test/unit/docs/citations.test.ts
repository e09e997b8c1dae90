import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findOffenders, type Offender } from '../../helpers/citations.ts'

const ROOT = join(import.meta.dirname, '../../..')
const IGNORED = readFileSync(join(ROOT, '.gitignore'), 'utf8').split('\n').map((line) => line.replace(/\/$/, ''))
/** What is not in the repository. */
const ELSEWHERE = new Set(['.git', ...IGNORED])

function filesIn (folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).filter(({ name }) => !ELSEWHERE.has(name))
    .flatMap((entry) => entry.isDirectory() ? filesIn(join(folder, entry.name)) : [join(folder, entry.name)])
}

t.test('what comments and pages name is there', async (t) => {
  const paths = filesIn('')
  t.ok(['src/main.ts', 'README.md', '.ci/run', 'deploy/docker/Dockerfile'].every((path) => paths.includes(path)))
  const offenders = findOffenders({ paths, read: (path) => readFileSync(join(ROOT, path), 'utf8') })
  for (const { file, line, citation, why } of offenders) t.fail(`${file}:${line} ${citation}: ${why}`)
})

// put together, or this file would name what is not there
const NOT = 'gone'
const SECOND = 2
const HERE = ['docs', 'here.md'].join('/')
const PAGE = ['docs', 'page.md'].join('/')

/** A small repository, with this text as one more file of it. */
function judge (file: string, text: string): Offender[] {
  const files: Readonly<Record<string, string>> = {
    [HERE]: '# Here\n## Two words\n', 'README.md': '', 'src/core/jwt.ts': '', 'test/unit/jwt.test.ts': '', [file]: text
  }
  return findOffenders({ paths: Object.keys(files), read: (path) => files[path] ?? '' })
}

const OFFENDERS: ReadonlyArray<readonly [what: string, file: string, text: string, citation: string]> = [
  ['a page in a comment', 'src/a.ts', `// docs/${NOT}.md`, `docs/${NOT}.md`],
  ['a page named without its folder', 'src/a.ts', `/** As ${HERE.slice(5)} says. */`, HERE.slice(5)],
  ['a page that a log line names', 'src/a.ts', `log.warn('read docs/${NOT}.md')`, `docs/${NOT}.md`],
  ['a test in a comment', 'test/a.mjs', `f() // test/unit/${NOT}.test.ts`, `test/unit/${NOT}.test.ts`],
  ['a source file in a comment', 'src/a.ts', `// ${NOT}.ts does`, `${NOT}.ts`],
  ['a folder that no file is in', 'src/a.ts', `// src/${NOT}/*`, `src/${NOT}/*`],
  ['a page in a shell comment', 'test/a.sh', `x # docs/${NOT}.md`, `docs/${NOT}.md`],
  ['a page in a Lua comment', 'deploy/a.lua', `x = 1 -- docs/${NOT}.md`, `docs/${NOT}.md`],
  ['a page in a YAML comment', 'deploy/a.yaml', `x: 1 # docs/${NOT}.md`, `docs/${NOT}.md`],
  ['a section of the interface', 'src/a.ts', `// interface ${SECOND}.1`, `interface ${SECOND}.1`],
  ['a section in the name of a test', 'test/a.ts', `t.test('Interface ${SECOND}.1')`, `Interface ${SECOND}.1`],
  ['a section of the design', 'src/a.ts', `/* design ${SECOND} */`, `design ${SECOND}`],
  ['a section of a page that is there', 'src/a.ts', `// ${HERE} ${SECOND}`, `${HERE} ${SECOND}`],
  ['a heading that the page has not', 'src/a.ts', `// ${HERE}, "${NOT}"`, `${HERE}, "${NOT}"`],
  ['a link of a page', PAGE, `[x](${NOT}.md)`, `${NOT}.md`],
  ['an anchor of a page', PAGE, `[x](here.md#${NOT})`, `here.md#${NOT}`],
  ['a test that a page names', PAGE, `\`test/unit/${NOT}\``, `test/unit/${NOT}`],
  ['a page that a page names', PAGE, `${NOT}.md says`, `${NOT}.md`],
  ['a module in the architecture', 'docs/inside/architecture.md', `\`core/${NOT}\``, `core/${NOT}`],
  ['a folder in the architecture', 'docs/inside/architecture.md', `\`${NOT}/\``, NOT],
  ['a module in a diagram', 'docs/inside/architecture.md', `key["core/${NOT}<br/>reads"]`, `core/${NOT}`]
]

for (const [what, file, text, citation] of OFFENDERS) {
  t.test(`finds ${what}`, async (t) => { t.match(judge(file, `\n${text}\n`), [{ file, line: 2, citation }]) })
}

const FINE: ReadonlyArray<readonly [file: string, text: string]> = [
  ['src/a.ts', `// ${HERE}, "Two words"; src/core/jwt.ts, jwt.ts and core/jwt.ts; test/unit/jwt.test.ts. test/unit/*`],
  ['src/a.ts', `// https://example.com/${NOT}.md; RFC 9110, 12.4.2`],
  ['src/a.ts', `readSnippet('${NOT}.md', \`# ${NOT}.ts \${x /* jwt.ts */}\`)`],
  ['src/a.ts', '// docs/<name>.md and src/core/{a,b}.ts'],
  [PAGE, '[x](here.md#two-words), [page.md](page.md), [y](../src/core), [z](https://example.com/#x), `test/unit/jwt`'],
  ['docs/inside/architecture.md', '`core/`, `core/jwt`, key["core/jwt<br/>reads"]'],
  ['CHANGELOG.md', `docs/${NOT}.md`],
  ['test/fixtures/a.sh', `# docs/${NOT}.md`]
]

for (const [file, text] of FINE) {
  t.test(`lets be: ${text.slice(0, 60)}`, async (t) => { t.strictSame(judge(file, text), []) })
}
