import { type LoginPage, type RefusalReason, REFUSALS } from '../core/reason.ts'
import type { Lack } from '../core/requirement.ts'

/** Where people sign in, and where with another account; undefined if not configured. */
export type PageLinks = Readonly<{
  signIn: string | undefined
  changeUser: string | undefined
}>

export const NO_LINKS: PageLinks = Object.freeze({ signIn: undefined, changeUser: undefined })

/** A request, as far as its page shows it: only what was validated, and of a person that very person's. */
export type OnPage = Readonly<{
  /** The request id, which is also in the log. */
  reference: string
  /** The address of a link to the login, if not that of everybody. */
  way?: string | undefined
  /** Nobody can sign in at the host of this request. */
  isNowhere?: boolean
  account?: string | undefined
  /** The name of what a policy guards. */
  missing?: string | undefined
  /** The fact that alone keeps the person out. */
  lack?: Lack | undefined
}>

/** Pages of one kind for people whose browser gets no app. */
export type Pages<Name> = Readonly<{
  /** Name, value, …; without length, caching or reason. */
  headers: readonly string[]
  /** @param rawHeaders as they arrived: they say in which language */
  render: (name: Name, rawHeaders: readonly string[], on: OnPage) => string
}>

/** Makes the pages of a deployment. */
export type PageMaker = Readonly<{
  refusals: (links: PageLinks) => Pages<RefusalReason>
  /** @param adviceOf sentences for the people who run the site */
  logins: (adviceOf: (page: LoginPage) => readonly string[]) => Pages<LoginPage>
}>

/** Each sentence for the people who run a site begins so: in English, as their configuration and our docs are. */
export const FOR_THEM = 'For the people who run this site:'

/** Text instead of pages, where no part makes any. */
export const PLAIN_TEXT: PageMaker = Object.freeze({
  refusals: ({ signIn }: PageLinks) => textOf((reason: RefusalReason) => {
    const { status, message } = REFUSALS[reason]
    return status === 401 && signIn !== undefined ? `${message} ${signIn}` : message
  }),
  logins: (adviceOf: (page: LoginPage) => readonly string[]) =>
    textOf((page: LoginPage) => [`The login ended here: ${page}.`, ...adviceOf(page)].join('\n'))
})

function textOf<Name> (sentenceOf: (name: Name) => string): Pages<Name> {
  return Object.freeze({
    headers: Object.freeze(['content-type', 'text/plain; charset=utf-8', 'x-content-type-options', 'nosniff']),
    render: (name: Name, _rawHeaders: readonly string[], { reference, way }: OnPage) =>
      `${sentenceOf(name)}\n${way === undefined ? '' : `${way}\n`}${reference}\n`
  })
}
