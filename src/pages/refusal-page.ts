import { REFUSALS, type RefusalReason, type RefusalStatus } from '../core/reason.ts'
import { escapeHtml } from './escape.ts'
import { type ICONS, layOut, PAGE_HEADERS } from './layout.ts'
import { wordsOf } from './words.ts'

/** A refusal for a person: all but the reference is prepared once. */
export type RefusalPage = Readonly<{
  /** Name, value, …; those of the page itself, without length, caching or reason. */
  headers: readonly string[]
  /** @param reference the request id, which is also in the log; nothing else of the request is ever on the page */
  render: (reference: string) => string
}>

const ICON = { 401: 'person', 403: 'lock', 503: 'clock' } as const satisfies Readonly<Record<RefusalStatus, keyof typeof ICONS>>

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
  const [head, foot] = layOut({ icon: ICON[status], title, message, advice: [advice], action: status === 403 ? '' : AGAIN })
  return Object.freeze({ headers: PAGE_HEADERS, render: (reference: string) => head + escapeHtml(reference) + foot })
}
