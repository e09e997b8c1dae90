// words [FOLDER]: counts words for users, and words to avoid by place, here or in a worktree of an older commit.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import markdown from '@eslint/markdown'
import { ESLint } from 'eslint'
import { plugins } from 'neostandard'
import { words } from './words-to-avoid.mjs'

const root = resolve(process.argv[2] ?? '.')
const eslint = new ESLint({
  cwd: root,
  overrideConfigFile: true,
  overrideConfig: [
    { linterOptions: { noInlineConfig: true } },
    { files: ['src/**/*.ts'], languageOptions: { parser: plugins['typescript-eslint'].parser }, ...words },
    { files: ['**/*.md'], plugins: { markdown, ...words.plugins }, language: 'markdown/gfm', rules: words.rules }
  ]
})

const wordsIn = (paths) => paths.map((path) => readFileSync(join(root, path), 'utf8').match(/\S+/g)?.length ?? 0)
const sum = (numbers) => numbers.reduce((all, one) => all + one, 0)
const SKILL = 'SKILL.md'
const pagesOf = (folder) => readdirSync(join(root, folder))
  .filter((name) => name.endsWith('.md') && name !== SKILL).map((name) => join(folder, name))

const PLACES = {
  'pages for users': ['README.md', ...['docs', 'docs/apps', 'docs/proxies'].flatMap(pagesOf)],
  'pages for contributors': ['CONTRIBUTING.md', ...pagesOf('docs/inside')],
  decisions: pagesOf('docs/inside/decisions'),
  'skills for coding agents': [join('docs', SKILL)].filter((path) => existsSync(join(root, path)))
}
for (const [place, pages] of Object.entries(PLACES)) {
  const found = sum((await eslint.lintFiles(pages)).map(({ errorCount }) => errorCount))
  console.log(`${place}: ${sum(wordsIn(pages))} words, ${found} to avoid`)
}
const found = (await eslint.lintFiles(['src/**/*.ts'])).flatMap(({ messages }) => messages)
for (const [place, id] of [['comments of src', 'comment'], ['texts of src', 'text']]) {
  console.log(`${place}: ${found.filter(({ messageId }) => messageId === id).length} to avoid`)
}
