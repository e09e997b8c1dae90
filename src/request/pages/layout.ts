import { createHash } from 'node:crypto'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;'
}

/** Text for an element's content or a quoted attribute. */
export function escapeHtml (text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}

/**
 * The beginning of every page, up to what its body holds: no search engine, light or dark as the person has it, and an
 * empty icon: else a browser asks the app for /favicon.ico, and the proxy asks us about a stranger.
 * @param more markup after the style
 */
export function headOf (title: string, style: string, more = ''): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
${more}</head>
<body>
`
}

/** What of the style has to be legible; test/unit/pages computes the contrasts. */
export const STYLE = `
:root{color-scheme:light dark;--ground:#f3f4f6;--paper:#fff;--edge:#d9dce2;--ink:#1b1f27;--soft:#535b69;--mark:#2f5fb3;--halo:#e6edf8}
@media(prefers-color-scheme:dark){:root{--ground:#12151b;--paper:#1b2029;--edge:#333b48;--ink:#eceff4;--soft:#aab3c1;--mark:#8fb4f2;--halo:#263450}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--ground);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
main{width:100%;max-width:30rem;padding:2.25rem 2rem 1.75rem;background:var(--paper);border:1px solid var(--edge);border-radius:.75rem;overflow-wrap:anywhere}
svg{display:block;width:3rem;height:3rem;padding:.7rem;border-radius:50%;background:var(--halo);color:var(--mark);fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
h1{margin:1.25rem 0 .75rem;font-size:1.5rem;line-height:1.25;font-weight:650;letter-spacing:-.01em}
p{margin:.625rem 0}
.advice{color:var(--soft)}
a{display:inline-block;margin:1rem 0 .25rem;padding:.55rem 1.15rem;border:1px solid var(--mark);border-radius:.5rem;color:var(--mark);font-weight:600;text-decoration:none}
a+a{margin-left:.75rem}
a:hover{background:var(--halo)}
a:focus-visible{outline:3px solid var(--mark);outline-offset:3px}
footer{margin-top:1.5rem;padding-top:1rem;border-top:1px solid var(--edge);color:var(--soft);font-size:.875rem}
code{font:1em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media(max-width:26rem){main{padding:1.5rem 1.25rem 1.25rem}}
@media(forced-colors:active){svg{border:1px solid}}
`

const hash = createHash('sha256').update(STYLE).digest('base64')

/** This one style, the empty icon, and nothing else: no script, no frame, no form, no base. */
export const CONTENT_SECURITY_POLICY = `default-src 'none'; img-src data:; style-src 'sha256-${hash}'; ` +
  'base-uri \'none\'; form-action \'none\'; frame-ancestors \'none\''

/** From this the browser sniffs no other type, loads nothing and tells nobody where the person was. */
export const PAGE_HEADERS: readonly string[] = Object.freeze([
  'content-type', 'text/html; charset=utf-8',
  'content-security-policy', CONTENT_SECURITY_POLICY,
  'x-content-type-options', 'nosniff',
  'referrer-policy', 'no-referrer'
])

/** Drawings on a 24 × 24 grid. */
export const ICONS = {
  person: '<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5a7.5 7.5 0 0 1 15 0"/>',
  lock: '<rect x="5" y="11" width="14" height="10" rx="2"/><path d="M8 11V7.5a4 4 0 0 1 8 0V11"/>',
  clock: '<circle cx="12" cy="12" r="9"/><path d="M12 7v5.2l3.2 1.8"/>'
} as const

export type Layout = Readonly<{
  icon: keyof typeof ICONS
  title: string
  /** One sentence: what happened. */
  message: string
  /** What the person can do, then what the people who run the site can. */
  advice: readonly string[]
  /** Markup. */
  action: string
}>

/** @returns the page up to its reference, and what follows that */
export function layOut ({ icon, title, message, advice, action }: Layout): readonly [head: string, foot: string] {
  const head = `${headOf(title, STYLE)}<main>
<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[icon]}</svg>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(message)}</p>
${advice.map((text) => `<p class="advice">${escapeHtml(text)}</p>\n`).join('')}${action}<footer>Reference: <code>`
  return [head, '</code></footer>\n</main>\n</body>\n</html>\n']
}
