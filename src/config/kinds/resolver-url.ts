import { type Kind, parsed, problem } from '../kind.ts'

type Place = Readonly<{ example: string, path: string }>

/** A URL of one of Authgear's own services. It redirects a trailing or double slash and knows no other path, so both are caught here. */
function serviceUrl ({ example, path }: Place): Kind<string> {
  return Object.freeze({
    accepts: 'an `https://` or `http://` URL with its path and without query',
    parse: (text: string) => {
      if (!/^https?:\/\//i.test(text)) return problem(`must begin with https:// or http://, such as ${example}`)
      if (/[\s\\]/.test(text) || !URL.canParse(text)) return problem('is not a URL: check host and port')
      const url = new URL(text)
      if (url.username !== '' || url.password !== '' || text.includes('@')) return problem('must not carry a user name or password')
      if (/[?#]/.test(text)) return problem('must not carry a query or fragment')
      if (url.pathname === '/') return problem(`lacks its path: ${path}`)
      if (url.pathname.endsWith('/') || url.pathname.includes('//')) return problem('has a slash too many in its path: Authgear answers that with a redirect')
      return parsed(url.href, url.href)
    }
  })
}

export const resolverUrl: Kind<string> = serviceUrl({ example: 'http://authgear-resolver:3001/resolve', path: '/resolve on the resolver itself, /_resolver/resolve on the public host' })

export const adminApiUrl: Kind<string> = serviceUrl({ example: 'http://authgear-admin:3002/graphql', path: '/graphql on the admin server itself, /_api/admin/graphql on the public host' })
