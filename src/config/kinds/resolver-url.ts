import { type Kind, parsed, problem } from '../kind.ts'

/** The resolver's own URL. Authgear redirects a trailing or double slash and knows no other path, so both are caught here. */
export const resolverUrl: Kind<string> = Object.freeze({
  accepts: 'an `https://` or `http://` URL with its path and without query',
  parse: (text: string) => {
    if (!/^https?:\/\//i.test(text)) return problem('must begin with https:// or http://, such as http://authgear-resolver:3001/resolve')
    if (/[\s\\]/.test(text) || !URL.canParse(text)) return problem('is not a URL: check host and port')
    const url = new URL(text)
    if (url.username !== '' || url.password !== '' || text.includes('@')) return problem('must not carry a user name or password')
    if (/[?#]/.test(text)) return problem('must not carry a query or fragment')
    if (url.pathname === '/') return problem('lacks its path: /resolve on the resolver itself, /_resolver/resolve on the public host')
    if (url.pathname.endsWith('/') || url.pathname.includes('//')) return problem('has a slash too many in its path: Authgear answers that with a redirect')
    return parsed(url.href, url.href)
  }
})
