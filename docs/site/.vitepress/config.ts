// The site of README.md and docs/, built by `npm run site` in .servers/site, as deep as here: no text of its own.
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { deadLinks } from '../dead-links.ts'
import { llmsText, sectionsOf, sidebarOf } from '../outline.ts'
import { anchorOf, asIndex, isPage, targetOf, twinOf, type Links } from '../pages.ts'
import { boostOf, preferMoreWords, queryTokensOf, tokensOf } from '../search.ts'

const ROOT = join(import.meta.dirname, '../../..')
const OUT = join(ROOT, 'artifacts/site')
/** With a slash at its end. */
const BASE = process.env['SITE_BASE'] ?? '/'
const { GITHUB_SERVER_URL = 'https://github.com', GITHUB_REPOSITORY = 'OWNER/REPOSITORY' } = process.env

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const links: Links = {
  repository: `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}`,
  kindOf (path) {
    const found = statSync(join(ROOT, path), { throwIfNoEntry: false })
    return found === undefined ? undefined : found.isFile() ? 'file' : 'folder'
  }
}
const sections = sectionsOf(read('docs/README.md'))
const inDocs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name))
const paths = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...inDocs.filter(isPage)]

/** What is used of markdown-it. */
type Token = {
  type: string
  info: string
  children: Token[] | null
  attrGet: (name: string) => string | null
  attrSet: (name: string, value: string) => void
}
type State = { tokens: Token[], env: { realPath?: string, path: string } }
type Markdown = { core: { ruler: { push: (name: string, rule: (state: State) => void) => void } } }

/** The pages as the site has them; a link that leads nowhere ends the build. */
function forSite (markdown: Markdown): void {
  markdown.core.ruler.push('for-site', ({ tokens, env }) => {
    const page = relative(ROOT, env.realPath ?? env.path)
    // an indented block has a frame and a button to copy it, too
    for (const token of tokens.filter(({ type }) => type === 'code_block')) {
      Object.assign(token, { type: 'fence', info: 'sh' })
    }
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const target = token.type === 'link_open' ? targetOf(links, page, token.attrGet('href') ?? '') : undefined
      if (target !== undefined) token.attrSet('href', target.address)
      // to Vue, {{ }} in it is text
      if (token.type === 'code_inline') token.attrSet('v-pre', '')
    }
  })
}

/** The pages lie outside of the folder that has Vue: Node finds it for what is rendered here. */
const vueFromHere = {
  name: 'vue-from-here',
  enforce: 'pre',
  resolveId: (id: string, _importer: unknown, { ssr }: { ssr?: boolean }) =>
    ssr && /^vue(?:\/server-renderer)?$/.test(id) ? { id, external: true } : null
}

/** Beside each page its Markdown; /llms.txt; and a last look at every link. */
function finish (): void {
  const pages = paths.map((path) => ({ path, text: twinOf(links, path, read(path)) }))
  for (const { path, text } of pages) writeFileSync(join(OUT, path), text)
  cpSync(join(ROOT, 'docs/images'), join(OUT, 'docs/images'), { recursive: true })
  writeFileSync(join(OUT, 'llms.txt'), llmsText(links, sections, pages, BASE))
  const files = readdirSync(OUT, { recursive: true, encoding: 'utf8' })
  const addresses = (name: string) => [name, name.replace(/(^|\/)index\.html$/, '$1')].map((path) => BASE + path)
  const built = files.filter((name) => name.endsWith('.html'))
    .flatMap((name) => addresses(name).map((address) => ({ address, html: readFileSync(join(OUT, name), 'utf8') })))
  const dead = deadLinks(built, new Set(files.map((name) => BASE + name)))
  if (dead.length > 0) throw new Error(`links that lead nowhere:\n${dead.join('\n')}`)
  console.log(`site: ${paths.length} pages in artifacts/site, and every link leads somewhere`)
}

export default {
  title: 'authgear-forward-auth',
  description: 'Forward-auth for Authgear: people, agents and machines, revoked in milliseconds',
  lang: 'en',
  base: BASE,
  srcDir: ROOT,
  srcExclude: readdirSync(ROOT)
    .map((name) => statSync(join(ROOT, name)).isDirectory() ? `${name}/**` : name)
    .filter((name) => name !== 'docs/**' && !isPage(name)).concat('docs/site/**'),
  outDir: OUT,
  ignoreDeadLinks: 'localhostLinks', // deadLinks() looks at all others, and at their anchors
  rewrites: asIndex,
  metaChunk: true,
  buildEnd: finish,
  transformHead: ({ pageData: { filePath } }: { pageData: { filePath: string } }) =>
    [['link', { rel: 'alternate', type: 'text/markdown', href: BASE + filePath }]],
  vite: { plugins: [vueFromHere], build: { chunkSizeWarningLimit: 2000 } },
  markdown: {
    anchor: { slugify: anchorOf },
    attrs: { disable: true }, // braces are text
    languageAlias: { caddyfile: 'nginx', caddy: 'nginx', haproxy: 'ini', jq: 'sh' },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config: forSite
  },
  themeConfig: {
    sidebar: sidebarOf(links, sections),
    outline: [2, 3],
    externalLinkIcon: true,
    nav: [{ text: 'Find your page', link: '/docs/' }, { text: 'Repository', link: links.repository }],
    search: {
      provider: 'local',
      options: {
        miniSearch: {
          options: { tokenize: tokensOf },
          searchOptions: { tokenize: queryTokensOf, boostDocument: boostOf, filter: preferMoreWords, fuzzy: 0.1 }
        }
      }
    }
  }
}
