import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Marked, Renderer, type Tokens } from 'marked'
import { escapeHtml, headOf } from '../../base/http/html.ts'
import { STYLE } from './style.ts'

/** The package's own name leads there, since the build lies elsewhere than the source. */
const RUNBOOK = 'authgear-forward-auth/docs/runbook.md'

/** An anchor as GitHub makes it, so that links hold in both places. */
export function anchorOf (heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{Letter}\p{Number}\s_-]/gu, '').trim().replaceAll(/\s/g, '-')
}

const marked = new Marked({
  renderer: {
    heading ({ depth, text, tokens }) {
      return `<h${depth} id="${anchorOf(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`
    },
    link ({ href, tokens }) {
      const text = this.parser.parseInline(tokens)
      // the other pages are in the repository only
      const target = escapeHtml(href)
      return /^#|^https?:/.test(href) ? `<a href="${target}">${text}</a>` : `${text} (docs/${target})`
    },
    // on a phone each row is a card, and each cell says its column
    table ({ header, rows }) {
      const cells = (row: readonly Tokens.TableCell[], tag: 'th' | 'td'): string => row.map(({ tokens }, column) =>
        `<${tag} data-head="${escapeHtml(header[column]?.text ?? '')}">${this.parser.parseInline(tokens)}</${tag}>`).join('')
      const body = rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n')
      return `<table>\n<thead><tr>${cells(header, 'th')}</tr></thead>\n<tbody>${body}</tbody></table>\n`
    },
    // what scrolls sideways is reached by the keyboard
    code (token) { return Renderer.prototype.code.call(this, token).replace('<pre>', '<pre tabindex="0">') },
    // all of it is ours, and has none
    html: ({ text }) => escapeHtml(text)
  }
})

const MISSING = '# Runbook\n\nThis copy does not include it: see docs/runbook.md in the repository.'

/** The page that the status page's sentences lead to: the version's own, also where nothing else is reached. */
export function renderRunbook (read: () => string = readRunbook): string {
  return `${headOf('authgear-forward-auth: runbook', STYLE)}<main class="runbook">
<p><a href="./">Status</a></p>
${marked.parse(read(), { async: false })}</main>
</body>
</html>
`
}

function readRunbook (): string {
  try {
    return readFileSync(createRequire(import.meta.url).resolve(RUNBOOK), 'utf8')
  } catch {
    return MISSING
  }
}
