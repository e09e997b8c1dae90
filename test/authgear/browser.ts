import { randomBytes } from 'node:crypto'
import type { Answer } from '../helpers/request.ts'
import type { AuthgearServer, Person } from './types.ts'

/** Where a journey through Authgear's pages is. */
interface Place {
  readonly url: URL
  readonly answer: Answer
  /** It left Authgear: `url` was not asked. */
  readonly hasLeft: boolean
}

export interface Browser {
  readonly address: string
  /** As it would be sent to Authgear. */
  cookies (): string
  /** Follows redirects to a page, or away from Authgear. */
  open (path: string): Promise<Place>
  /** Fills in page after page as that person, until Authgear sends the browser away. */
  signIn (path: string, person: Person): Promise<Place>
  /** The same from a page that was opened before. */
  finish (place: Place, person: Person): Promise<Place>
  /** The paths that were asked so far. */
  readonly way: readonly string[]
}

const MAX_HOPS = 20

/** Of a client that was never here: it has used up none of its limits. */
export const newAddress = (): string => `10.${[...randomBytes(3)].join('.')}`

/** A browser without scripts at Authgear. Each has an address of its own, and so limits of its own. */
export function openBrowser (server: AuthgearServer): Browser {
  const jar = new Map<string, string>()
  const way: string[] = []
  const address = newAddress()
  const cookies = (): string => [...jar].map(([name, value]) => `${name}=${value}`).join('; ')

  function keep (lines: readonly string[]): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '' || /; *(?:Max-Age=0(?:;|$)|Expires=[^;]*1970)/i.test(line)) jar.delete(name)
      else jar.set(name, value)
    }
  }

  async function travel (to: URL, form?: Readonly<Record<string, string>>): Promise<Place> {
    let url = to
    for (let hops = 0; hops < MAX_HOPS; hops++) {
      if (url.origin !== server.origin) return { url, answer: { status: 0, headers: {}, body: '' }, hasLeft: true }
      way.push(url.pathname)
      const sent = hops === 0 && form !== undefined ? { method: 'POST', form } : {}
      const answer = await server.call('main', url.pathname + url.search, {
        ...sent,
        address,
        cookie: cookies(),
        headers: [['Accept', 'text/html'], ['Origin', server.origin], ['Referer', `${server.origin}/`]]
      })
      keep(answer.headers['set-cookie'] ?? [])
      if (answer.headers.location === undefined) return { url, answer, hasLeft: false }
      url = new URL(answer.headers.location, url)
    }
    throw new Error(`too many redirects: ${way.slice(-5).join(' ')}`)
  }

  async function finish (begun: Place, person: Person): Promise<Place> {
    let place = begun
    for (let pages = 0; pages < 10 && !place.hasLeft; pages++) {
      const form = formOf(place.answer.body)
      if (form === undefined) return place
      const fields = fieldsOf(form, person)
      const to = new URL(form.action.startsWith('/') ? form.action : place.url, server.origin)
      if (form.isGet) to.search = new URLSearchParams(fields).toString()
      place = await travel(to, form.isGet ? undefined : fields)
    }
    return place
  }
  const open: Browser['open'] = (path) => travel(new URL(path, server.origin))
  return { address, cookies, way, open, finish, signIn: async (path, person) => finish(await open(path), person) }
}

interface Input { readonly name: string, readonly value: string, readonly type: string }
interface Form { readonly action: string, readonly isGet: boolean, readonly inputs: readonly Input[] }

const plain = (text: string): string =>
  text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
const attribute = (tag: string, name: string): string =>
  plain(new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? '')

/** The form that leads on: a password, a login id, a button to continue, or the first. */
function formOf (html: string): Form | undefined {
  const outside = inputsIn(html)
  const forms = [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([, head = '', body = '']) => {
    const id = attribute(head, 'id')
    const own = outside.filter(({ form }) => id !== '' && form === id)
    return {
      action: attribute(head, 'action'),
      isGet: body.includes('type="hidden"') && !/method="post"/i.test(head) && head.includes('/oauth2/consent'),
      inputs: [...inputsIn(body), ...own]
    }
  })
  const having = (fits: (input: Input) => boolean): Form | undefined => forms.find(({ inputs }) => inputs.some(fits))
  return having(({ type }) => type === 'password') ?? having(({ name }) => name.endsWith('login_id')) ??
    having(({ name, value }) => name === 'x_action' && /continue|select|consent|authorize/i.test(value)) ??
    having(({ name }) => name === 'x_action') ?? forms[0]
}

function inputsIn (html: string): ReadonlyArray<Input & { readonly form: string }> {
  return [...html.matchAll(/<(?:input|button)\b([^>]*)>/g)].map(([, tag = '']) => ({
    name: attribute(tag, 'name'),
    value: attribute(tag, 'value'),
    type: attribute(tag, 'type'),
    form: attribute(tag, 'form')
  }))
}

function fieldsOf ({ inputs }: Form, person: Person): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {}
  for (const { name, value, type } of inputs) {
    if (name === '' || name in fields) continue
    fields[name] = type === 'password'
      ? person.password
      : name.endsWith('login_id') ? person.email : name === 'user' ? person.name : value
  }
  return fields
}
