import type { CommonFinding, Found, PartFinding } from '../../../base/parts/findings.ts'

/** Mistakes that `doctor --mcp` finds, in the order in which a client meets them. */
export const OF_MCP = [
  {
    id: 'mcp-resource',
    severity: 'error',
    why: 'clients reject it, or ask Authgear for a resource that it does not have',
    set: 'the same text in the URL of clients, in RESOURCES, in resource= and at Authgear: scheme, host, port, path ' +
      'and slash'
  },
  {
    id: 'mcp-redirect',
    severity: 'error',
    why: 'clients repeat the POST as a GET, or drop the token, or reject a resource with another address',
    set: 'the URL at its end, in clients and in RESOURCES; if it leads to a login page, /resource instead of /verify ' +
      'on the route'
  },
  {
    id: 'mcp-open',
    severity: 'error',
    why: 'anyone who knows the URL can call its tools',
    set: 'the routes that `snippet --resource` writes for the proxy, with no other way to the server'
  },
  {
    id: 'mcp-path',
    severity: 'error',
    why: 'clients report that there is no MCP server',
    set: 'host and path of the URL, and a route for exactly that host and path at the proxy'
  },
  {
    id: 'mcp-forbidden',
    severity: 'error',
    why: 'clients ask for a token only after a 401',
    set: '/resource?resource=… on the route, spelled as docs/resource-tokens.md has it; no firewall or bot check ' +
      'before it'
  },
  {
    id: 'mcp-fails',
    severity: 'error',
    why: 'clients give up before they ask for a token',
    set: 'the log of the proxy, then of this service: 502 and 503 mostly mean that the proxy cannot reach it'
  },
  {
    id: 'mcp-challenge',
    severity: 'error',
    why: 'clients learn from it where to get a token; many give up without',
    set: '/resource (not /verify) on the route, and a proxy that passes the headers of a 401 on'
  },
  {
    id: 'mcp-challenge-doubled',
    severity: 'error',
    why: 'clients read the first, the last, or neither',
    set: 'one place that asks for the token: remove the second WWW-Authenticate, of the app or of another middleware'
  },
  {
    id: 'mcp-challenge-address',
    severity: 'error',
    why: 'clients do not fetch the metadata from there',
    set: 'resource= on the route to the URL that clients use, with https:// and its host'
  },
  {
    id: 'mcp-authorization-lost',
    severity: 'error',
    why: 'clients sign in, and get 401 again',
    set: 'a proxy that passes Authorization to forward auth (the configuration that `snippet` prints), and no other ' +
      'proxy before it that removes the header'
  },
  {
    id: 'mcp-token',
    severity: 'warning',
    why: 'what comes after it cannot be checked',
    set: 'paste a new access token of a client for this resource; what doctor says of it is above'
  },
  {
    id: 'mcp-headers-lost',
    severity: 'error',
    why: 'rules by tool refuse every call, and so does a server of the revision 2026-07-28',
    set: 'the configuration that `snippet` prints, and no proxy before it that drops or adds one of the three; if ' +
      "the token's user may not enter at all, the route's policy"
  },
  {
    id: 'mcp-revision',
    severity: 'error',
    why: 'the rule allows that revision alone, and the server rejects it: no call succeeds',
    set: 'a server with an SDK of that revision; or a path for each set of tools, instead of the rule (docs/mcp.md)'
  },
  {
    id: 'mcp-obeys-body',
    severity: 'error',
    why: 'the server goes by the body, so a client can call every tool',
    set: "tool= of this service, which refuses older revisions; and a server that does: legacy: 'reject' in SDK 2 " +
      'for TypeScript (docs/mcp.md)'
  }
] as const satisfies readonly PartFinding<string>[]
export type McpFindingId = (typeof OF_MCP)[number]['id']
export type McpFound = Found<McpFindingId | CommonFinding>
