// `npm run docs:published -- IMAGE:VERSION`, at the first release: pages pull what they build. docs/inside/release.md
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const PACKAGE = 'npx authgear-forward-auth'

/** In this order: what a page says until then, and from then on. */
export const changesTo = (image: string): ReadonlyArray<readonly [before: string, after: string]> => [
  [' No package or image is published yet.', ''],
  ["**There is no release yet**, so signing by GitHub's identity has never run. ", ''],
  ['sign` tests the rest on your machine', 'sign` tests signing on your machine'],
  ['npm ci && npm run demo', `${PACKAGE} demo`],
  ['npm run demo --', `${PACKAGE} demo`],
  ['npm run demo', `${PACKAGE} demo`],
  ['run `npm ci && npm run build`, then `', 'run `'],
  ['Run it in a clone after `npm ci && npm run build`, or as', 'Run it like this, or as'],
  ['node dist/main.js', PACKAGE],
  [
    'docker build -f deploy/docker/Dockerfile -t authgear-forward-auth .',
    `docker pull ${image} && docker tag ${image} authgear-forward-auth`
  ]
]

/** Those of users; docs/SKILL.md works in a clone. */
export const pagesForUsers = ['README.md', ...['docs', 'docs/apps', 'docs/proxies'].flatMap((folder) =>
  readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.md') && name !== 'SKILL.md')
    .map((name) => join(folder, name)))]

export const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8')

export const published = (text: string, image: string): string =>
  changesTo(image).reduce((changed, [before, after]) => changed.replaceAll(before, after), text)

if (process.argv[1] === import.meta.filename) {
  const [image = ''] = process.argv.slice(2)
  if (!/^[\w./-]+:[\w.-]+$/.test(image)) throw new Error('say the image: ghcr.io/OWNER/REPOSITORY:VERSION')
  for (const page of pagesForUsers) writeFileSync(join(ROOT, page), published(textOf(page), image))
}
