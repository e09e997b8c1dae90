import type { OnPage } from '../../base/http/pages.ts'
import { type Language, WORDS } from './language.ts'
import { DRAWINGS, escapeHtml, openingOf, tabIcon } from '../../base/http/html.ts'
import type { PageSettings } from './settings.ts'
import { headersOf, styleOf } from './style.ts'
import type { Action, Words } from './words.ts'

type Link = Readonly<{
  action: Action
  /** An empty address is the page's own: asked for again without a script, and without the address on the page. */
  href: string
  /** The request may know a better address. */
  isWay?: boolean
}>

/** The texts of one page, in one language. */
export type Sheet = Readonly<{
  drawing: keyof typeof DRAWINGS
  title: string
  message: string
  /** Paragraphs. */
  advice: ReadonlyArray<string | undefined>
  /** The operator's own words, in a language that nobody told. */
  own?: string | undefined
  /** Sentences in English. */
  forOperators: readonly string[]
  /** The first is what helps most. */
  links: readonly Link[]
  /** The address of the person's sessions at Authgear. */
  sessions?: string | undefined
}>

export type Fill = (on: OnPage) => string

/** The common frame of all pages of a deployment. */
export type Letterhead = Readonly<{
  /** Name, value, …; without length, caching or reason. */
  headers: readonly string[]
  /** Prepares a page: all that does not depend on the request. */
  write: (language: Language, sheet: Sheet) => Fill
}>

export function createLetterhead ({ brandName, brandLogo, brandColor, supportUrl }: PageSettings): Letterhead {
  const style = styleOf(brandColor)
  const icon = brandLogo ?? tabIcon(brandColor)
  // each is kept once, however many pages there are: a logo may have kilobytes
  const openings = new Map<Language, string>()
  const opening = (language: Language): string => {
    const known = openings.get(language) ?? openingOf({ language, style, icon })
    openings.set(language, known)
    return known
  }
  const header = headerOf(brandName, brandLogo)
  const help = supportUrl === undefined ? [] : [{ action: 'getHelp', href: supportUrl } as const]
  return Object.freeze({
    headers: headersOf(style),
    write (language: Language, sheet: Sheet): Fill {
      const title = escapeHtml(sheet.title)
      const named = brandName === undefined ? title : `${title} · ${escapeHtml(brandName)}`
      const head = (): string => opening(language) + named + '</title>\n</head>\n<body>\n<main>\n' + header
      return fillOf(head, { ...sheet, links: [...sheet.links, ...help, ...sessionsOf(sheet)] }, WORDS[language])
    }
  })
}

const sessionsOf = ({ sessions: href }: Sheet): readonly Link[] =>
  href === undefined ? [] : [{ action: 'openSessions', href }]

function fillOf (head: () => string, sheet: Sheet, words: Words): Fill {
  const message = `<svg viewBox="0 0 24 24" aria-hidden="true">${DRAWINGS[sheet.drawing]}</svg>
<h1>${escapeHtml(sheet.title)}</h1>
<p>${escapeHtml(sheet.message)}</p>
`
  const advice = adviceOf(sheet)
  const footer = `<footer>${escapeHtml(words.reference)} <code>`
  const end = '</code></footer>\n</main>\n</body>\n</html>\n'
  const navOf = (way: string | undefined): string =>
    `<nav>${sheet.links.map((link) => linkOf(link, link.isWay === true ? way : undefined, words)).join('')}</nav>\n`
  return ({ reference, way, account, missing }) =>
    head() + message +
      (account === undefined ? '' : withBold(words.signedInAs, '{account}', account)) +
      (missing === undefined ? '' : withBold(words.missing, '{name}', missing)) + advice +
      (sheet.links.length === 0 ? '' : navOf(way)) +
      footer + escapeHtml(reference) + end
}

function headerOf (name: string | undefined, logo: string | undefined): string {
  if (name === undefined && logo === undefined) return ''
  const image = logo === undefined ? '' : `<img src="${logo}" alt="">`
  return `<header>${image}${name === undefined ? '' : `<span>${escapeHtml(name)}</span>`}</header>\n`
}

function linkOf ({ action, href }: Link, way: string | undefined, words: Words): string {
  // never a filled button, not even alone: it does not open the page that was wanted
  const mark = action === 'openSessions' ? ' class="quiet"' : ''
  return `<a${mark} href="${escapeHtml(way ?? href)}">${escapeHtml(words[`actions.${action}`])}</a>`
}

function adviceOf ({ advice, own, forOperators }: Sheet): string {
  const paragraph = (attributes: string) => (text: string): string =>
    `<p class="advice"${attributes}>${escapeHtml(text)}</p>\n`
  return [
    ...(own === undefined ? [] : [`<p lang="">${escapeHtml(own)}</p>\n`]),
    ...advice.flatMap((text) => text ?? []).map(paragraph('')),
    ...forOperators.map(paragraph(' lang="en"'))
  ].join('')
}

/** Its place in a sentence is the language's. */
function withBold (sentence: string, place: string, text: string): string {
  const [before = '', after = ''] = sentence.split(place)
  return `<p>${escapeHtml(before)}<b>${escapeHtml(text)}</b>${escapeHtml(after)}</p>\n`
}
