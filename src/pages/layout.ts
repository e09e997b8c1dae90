import { escapeHtml } from './escape.ts'
import { headOf } from './head.ts'
import { CONTENT_SECURITY_POLICY, STYLE } from './style.ts'

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
