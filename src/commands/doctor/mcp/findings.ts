import type { PartFinding } from '../../../base/parts/findings.ts'

/** Mistakes that `doctor --mcp` finds, in the order in which a client meets them. */
export const OF_MCP = [
  {
    id: 'mcp-unreachable',
    severity: 'error',
    why: 'no client can connect',
    set: 'the name in the DNS, the port, and a firewall that allows it; https:// only where the proxy speaks TLS'
  },
  {
    id: 'mcp-certificate',
    severity: 'error',
    why: 'clients refuse the connection, and most cannot be told to trust another authority',
    set: 'a certificate for that name of an authority that clients trust (docs/tls.md); if it is meant to be a ' +
      'private one, AUTHGEAR_CA_FILE in the environment of this command'
  },
  {
    id: 'mcp-plain',
    severity: 'error',
    why: 'tokens are readable on the way, and Authgear accepts no resource with http://',
    set: 'https:// at the proxy, and in the URL that clients get'
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
    id: 'mcp-scopes',
    severity: 'warning',
    why: 'clients then ask for no scope or for all, and each tool that needs one is refused',
    set: 'scope= on the route, and the same scopes in RESOURCES'
  },
  {
    id: 'mcp-openid',
    severity: 'warning',
    why: 'Authgear refuses to sign a person in without it (invalid_scope); only machines need none',
    set: 'openid among the scopes of that resource in RESOURCES'
  },
  {
    id: 'mcp-metadata',
    severity: 'error',
    why: 'clients start there, and give up',
    set: 'the routes that `snippet --resource` writes: /.well-known/oauth-protected-resource, and all below it, ' +
      'leads to this service without a session'
  },
  {
    id: 'mcp-metadata-type',
    severity: 'warning',
    why: 'some clients do not read it then',
    set: 'a proxy that leaves the Content-Type unchanged'
  },
  {
    id: 'mcp-resource',
    severity: 'error',
    why: 'clients reject it, or ask Authgear for a resource that it does not have',
    set: 'the same text in the URL of clients, in RESOURCES, in resource= and at Authgear: scheme, host, port, path ' +
      'and slash'
  },
  {
    id: 'mcp-resource-prefix',
    severity: 'warning',
    why: 'clients with the SDKs accept that; some compare the whole text',
    set: 'nothing if your clients connect; otherwise give them the address of the resource'
  },
  {
    id: 'mcp-no-authgear',
    severity: 'error',
    why: 'clients do not know where to sign in',
    set: "AUTHGEAR_ENDPOINT to the project's public origin"
  },
  {
    id: 'mcp-authgear-metadata',
    severity: 'error',
    why: 'they do not learn where to sign in',
    set: "AUTHGEAR_ENDPOINT to the project's public origin, as clients reach it; a proxy before Authgear must pass " +
      '/.well-known/'
  },
  {
    id: 'mcp-issuer',
    severity: 'error',
    why: 'clients must reject it',
    set: 'AUTHGEAR_ENDPOINT to the issuer, character by character; TRUST_PROXY=true at Authgear if only the scheme ' +
      'differs'
  },
  {
    id: 'mcp-pkce',
    severity: 'error',
    why: 'clients must refuse to go on',
    set: 'code_challenge_methods_supported: Authgear sends it, so look for what stands between'
  },
  {
    id: 'mcp-registration',
    severity: 'error',
    why: 'a client that Authgear does not know cannot ask for a token',
    set: '*Enable CIMD* in the portal, under *Applications › AI Agents (Dynamic)*, or *Enable DCR* there, with ' +
      '*Require initial access token* off'
  },
  {
    id: 'mcp-endpoint',
    severity: 'error',
    why: 'clients refuse it',
    set: "Authgear's public origin with https://, and TRUST_PROXY=true there behind a proxy"
  },
  {
    id: 'mcp-authorize',
    severity: 'error',
    why: 'nobody can sign in',
    set: "Authgear's log; a proxy before Authgear must pass /oauth2/"
  },
  {
    id: 'mcp-target',
    severity: 'error',
    why: 'the client gets an error instead of the login page',
    set: 'the resource in the portal, character by character as in the metadata, with *Allow dynamic third-party ' +
      'clients*; a first-party client cannot ask for one'
  },
  {
    id: 'mcp-scope-closed',
    severity: 'error',
    why: 'the client gets an error instead of the login page',
    set: '*Allow dynamic third-party clients to request this scope* at that scope of the resource; openid is always ' +
      'required'
  },
  {
    id: 'mcp-client',
    severity: 'error',
    why: 'the client gets an error instead of the login page',
    set: '--client-id (and --redirect-uri) as the client has them; the document of a client by URL must be reachable ' +
      'from Authgear and name itself'
  },
  {
    id: 'mcp-refused',
    severity: 'error',
    why: 'the client gets an error instead of the login page',
    set: "what the line says; Authgear's log has more"
  },
  {
    id: 'mcp-cors',
    severity: 'warning',
    why: 'a client that is a web page, such as the MCP inspector, is blocked by its browser',
    set: "CORS at the proxy for what the line names, as docs/mcp.md has it, and the client's origin at Authgear; " +
      'nothing if no client is a web page'
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
    set: 'paste a new access token of a client for this resource; doctor --token-stdin without --mcp explains it'
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
