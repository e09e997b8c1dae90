import type { Answered } from './in-process-over.ts'

/** One request and its answer on the way. */
export interface Hop extends Answered {
  readonly url: string
}

export interface Person {
  /** Opens an address as a browser does: follows redirects, keeps cookies. @returns every hop, the page last */
  open (url: string, how?: How): Promise<readonly Hop[]>
  /** Presses the button of a page: sends a form. */
  send (
    url: string, form: Readonly<Record<string, string>>, how?: Pick<How, 'until'>
  ): Promise<readonly Hop[]>
  /** `name=value; …` as it would be sent there. */
  cookies (host: string): string
  forget (name: string): void
  /** A cookie that somebody put there: a `Set-Cookie` line as of this host. */
  plant (line: string, host: string): void
}

interface How {
  readonly headers?: Readonly<Record<string, string>>
  /** Where to stop: this hop's answer is the last. */
  readonly until?: (hop: Hop) => boolean
}

/** How a host is asked. */
export type Site = (
  request: Readonly<{ method: string, path: string, headers: Readonly<Record<string, string>>, body: string }>
) => Promise<Answered>

interface Kept { readonly name: string, readonly value: string, readonly domain: string, readonly hostOnly: boolean }

const MAX_HOPS = 30
const NAVIGATION = {
  'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none', accept: 'text/html'
}

/** A browser's cookies and redirects without a browser, so that every hop can be looked at. */
export function createPerson (sites: Readonly<Record<string, Site>>): Person {
  let jar: Kept[] = []
  const cookies = (host: string): string =>
    jar
      .filter((kept) => (kept.hostOnly ? kept.domain === host : `.${host}`.endsWith(`.${kept.domain}`)))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')

  function keep (line: string, host: string): void {
    const [pair = '', ...attributes] = line.split('; ')
    const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
    const attribute = (wanted: string): string | undefined =>
      attributes.find((text) => text.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1)
    const domain = attribute('domain')
    if (domain !== undefined && !`.${host}`.endsWith(`.${domain}`)) return
    if (
      name.startsWith('__Host-') &&
      (domain !== undefined || !attributes.includes('Secure') || !attributes.includes('Path=/'))
    ) {
      throw new Error(`no browser keeps ${line}`)
    }
    const kept = { name, value, domain: domain ?? host, hostOnly: domain === undefined }
    jar = jar.filter((other) => other.name !== name || other.domain !== kept.domain || other.hostOnly !== kept.hostOnly)
    if (attribute('max-age') !== '0' && attribute('expires')?.includes('1970') !== true) jar.push(kept)
  }

  async function travel (
    first: string,
    method: string,
    body: string,
    { headers = {}, until }: How
  ): Promise<readonly Hop[]> {
    const hops: Hop[] = []
    for (let url = first; hops.length < MAX_HOPS;) {
      const { host, pathname, search } = new URL(url)
      const site = sites[host]
      if (site === undefined) throw new Error(`sent to a host that nobody knows: ${url}`)
      const cookie = cookies(host)
      const sent = hops.length === 0 ? { method, body } : { method: 'GET', body: '' }
      const answered = await site({
        ...sent, path: pathname + search, headers: { ...NAVIGATION, ...(cookie !== '' && { cookie }), ...headers }
      })
      for (const line of [answered.headers['set-cookie'] ?? []].flat()) keep(line, host)
      const hop = { ...answered, url }
      hops.push(hop)
      const location = answered.headers['location']
      if (typeof location !== 'string' || until?.(hop) === true) return hops
      url = new URL(location, url).href
    }
    throw new Error(`goes round in circles: ${hops.slice(-4).map(({ url }) => url).join(' ')}`)
  }

  return Object.freeze({
    open: (url: string, how: How = {}) => travel(url, 'GET', '', how),
    send: (url: string, form: Readonly<Record<string, string>>, how: Pick<How, 'until'> = {}) =>
      travel(url, 'POST', new URLSearchParams(form).toString(), {
        headers: { 'content-type': 'application/x-www-form-urlencoded' }, ...how
      }),
    cookies,
    forget (name: string) { jar = jar.filter((kept) => kept.name !== name) },
    plant: keep
  })
}

export const last = (hops: readonly Hop[]): Hop => {
  const hop = hops.at(-1)
  if (hop === undefined) throw new Error('nothing was asked')
  return hop
}
