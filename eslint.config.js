import markdown from '@eslint/markdown'
import neostandard, { resolveIgnoresFromGitignore } from 'neostandard'
import { words } from './docs/words-to-avoid.mjs'

const CODE = ['**/*.{js,mjs,cjs,ts}']
export default [
  ...neostandard({ ts: true, ignores: resolveIgnoresFromGitignore() })
    .map((config) => config.files === undefined && config.rules ? { files: CODE, ...config } : config),
  { files: ['src/**/*.ts'], ...words },
  {
    files: ['README.md', 'CONTRIBUTING.md', 'docs/**/*.md'],
    plugins: { markdown, ...words.plugins },
    language: 'markdown/gfm',
    rules: words.rules
  },
  {
    files: CODE,
    rules: {
      '@stylistic/member-delimiter-style': ['error', {
        multiline: { delimiter: 'none' }, singleline: { delimiter: 'comma', requireLast: false }
      }],
      // a template literal holds another language's lines: a proxy's configuration, Lua, CSS
      '@stylistic/max-len': [
        'error',
        120,
        { ignoreUrls: true, ignoreRegExpLiterals: true, ignoreTemplateLiterals: true }
      ]
    }
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // tap passes a file that exits or is empty, and a forgotten .only hides the rest
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.object.name='process'][callee.property.name='exit']",
          message: 'process.exit in a test passes silently'
        },
        { selector: "MemberExpression[property.name='only']", message: 'no .only in commits' },
        {
          selector: "CallExpression[callee.property.name='test'] > Literal.arguments[value.length>80]",
          message: 'a test has a name of at most 80 characters'
        },
        {
          selector: "CallExpression[callee.object.name='fc'][callee.property.name=/^(assert|check|sample)$/]",
          message: 'holds (test/helpers/property.ts) prints the seed, the smallest case and its error'
        },
        {
          selector: "CallExpression[callee.object.name='fc'][callee.property.name=/roperty$/] Identifier[name='t']",
          message: 'an assertion of t does not throw: the property passes. Use node:assert, or return false'
        },
        {
          selector: "Program:has(ImportDeclaration[source.value='tap']) " +
            "CallExpression[callee.object.name='Math'][callee.property.name='random']",
          message: 'a random test has a seed and prints it; a name is unique by randomUUID()'
        }
      ]
    }
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/base/crypto/constant-time-equal.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'node:crypto', importNames: ['timingSafeEqual'], message: 'equalSecret compares secrets' }] }
      ]
    }
  },
  {
    files: ['src/**/*.ts'],
    // another language's lines; and closures that are longer still
    ignores: [
      'src/commands/snippet/templates/*.ts',
      'src/base/revocation/{publisher,mastery,sender}.ts'
    ],
    rules: { 'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }] }
  },
  {
    files: ['src/base/core/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', 'performance', 'process', 'setTimeout', 'setInterval', 'console'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'core has no clock' },
        { object: 'Math', property: 'random', message: 'core has no chance' }
      ]
    }
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-new': 'off', // prom-client's instruments register themselves
      'no-restricted-syntax': ['error',
        { selector: 'TSAnyKeyword', message: 'unknown in, parsed type out' },
        { selector: 'TSNonNullExpression', message: 'prove it instead of !' },
        { selector: 'TSEnumDeclaration', message: 'a string union instead' }
      ]
    }
  }
]
