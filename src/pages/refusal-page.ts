import { REFUSALS, type RefusalReason, type RefusalStatus } from '../core/reason.ts'
import { escapeHtml } from './escape.ts'
import { CONTENT_SECURITY_POLICY, STYLE } from './style.ts'
import { wordsOf } from './words.ts'

/** A refusal for a person: all but the reference is prepared once. */
export type RefusalPage = Readonly<{
  /** Name, value, …; those of the page itself, without length, caching or reason. */
  headers: readonly string[]
  /** @param reference the request id, which is also in the log; nothing else of the request is ever on the page */
  render: (reference: string) => string
}>

/** From this the browser sniffs no other type, loads nothing and tells nobody where the person was. */
const HEADERS: readonly string[] = Object.freeze([
  'content-type', 'text/html; charset=utf-8',
  'content-security-policy', CONTENT_SECURITY_POLICY,
  'x-content-type-options', 'nosniff',
  'referrer-policy', 'no-referrer'
])

/** Drawings on a 24 × 24 grid: a person, a lock, a clock. */
const ICONS: Readonly<Record<RefusalStatus, string>> = {
  401: '<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5a7.5 7.5 0 0 1 15 0"/>',
  403: '<rect x="5" y="11" width="14" height="10" rx="2"/><path d="M8 11V7.5a4 4 0 0 1 8 0V11"/>',
  503: '<circle cx="12" cy="12" r="9"/><path d="M12 7v5.2l3.2 1.8"/>'
}

/** An empty address is the page's own: asked for again without a script, and without the address on the page. */
const AGAIN = '<a href="">Try again</a>\n'

export function createPages (): (reason: RefusalReason) => RefusalPage {
  const pages = new Map<RefusalReason, RefusalPage>()
  for (const reason of Object.keys(REFUSALS) as RefusalReason[]) pages.set(reason, preparePage(reason))
  return (reason) => pages.get(reason) ?? preparePage(reason)
}

function preparePage (reason: RefusalReason): RefusalPage {
  const { status, message } = REFUSALS[reason]
  const { title, advice } = wordsOf(reason, status)
  const head = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[status]}</svg>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(message)}</p>
<p class="advice">${escapeHtml(advice)}</p>
${status === 403 ? '' : AGAIN}<footer>Reference: <code>`
  const foot = '</code></footer>\n</main>\n</body>\n</html>\n'
  return Object.freeze({ headers: HEADERS, render: (reference: string) => head + escapeHtml(reference) + foot })
}
