/**
 * A call of an MCP server, as the headers of its revision name it (MCP 2026-07-28, "Streamable HTTP"). A server of such
 * a revision refuses a body that says otherwise.
 */
export type McpCall = Readonly<{
  /** Such as `tools/call`. */
  method: string
  /** The tool, the resource's URI or the prompt; undefined for a method that has none. */
  name: string | undefined
}>

/** Of a refusal by this service, in JSON-RPC's range for servers; the codes of the specification begin at -32020. */
export const REFUSED_CODE = -32003

/** For the model that called and the person behind it, whatever the reason is. */
export const MCP_NOT_ALLOWED = 'This call is not allowed here: the tool is closed to you, or your client is older ' +
  'than MCP 2026-07-28. If you should have access, ask the people who run this server.'

/** A refusal as an error of JSON-RPC, whose words clients of MCP show. Its id is null: no body is seen here. */
export const mcpError = (reason: string, message: string): string =>
  JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: REFUSED_CODE, message, data: { reason } } })

/** Servers of an older revision obey the body, whatever the headers say. */
const REVISIONS: ReadonlySet<string> = new Set(['2026-07-28'])
/** Methods whose name is in `Mcp-Name`. */
const NAMED: ReadonlySet<string> = new Set(['tools/call', 'resources/read', 'prompts/get'])
const METHOD = /^[a-zA-Z]+(?:\/[a-zA-Z_]+){0,3}$/
/** Printable ASCII without a blank, and without the comma that joins two lines. */
const NAME = /^[\x21-\x2b\x2d-\x7e]{1,1024}$/
const ENCODED = /^=\?base64\?([A-Za-z0-9+/]{1,1400}={0,2})\?=$/
const OTHER_CHARACTERS = /[^a-z0-9-]/g
const LINES: ReadonlySet<string> = new Set([
  'mcp-protocol-version', 'mcp-method', 'mcp-name', 'mcp-session-id', 'x-forwarded-method'
])

/**
 * @param ownMethod of the proxy's request, which counts where no `X-Forwarded-Method` says the client's
 * @returns undefined where the headers do not say for certain what the server will do
 */
export function readMcpCall (ownMethod: string, rawHeaders: readonly string[]): McpCall | undefined {
  const lines = new Map<string, string>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const line = (rawHeaders[i] ?? '').toLowerCase()
    const name = line.replaceAll(OTHER_CHARACTERS, '-')
    if (!LINES.has(name)) continue
    // two lines, or Mcp_Name, which CGI, WSGI and PHP read as Mcp-Name: a server may read the other one
    if (name !== line || lines.has(line)) return undefined
    lines.set(line, rawHeaders[i + 1] ?? '')
  }
  // this revision has no sessions: servers take the request for one of an older revision, whose body decides
  if (lines.has('mcp-session-id')) return undefined
  if ((lines.get('x-forwarded-method') ?? ownMethod) !== 'POST') return undefined
  if (!REVISIONS.has(lines.get('mcp-protocol-version') ?? '')) return undefined
  const method = lines.get('mcp-method') ?? ''
  if (method.length > 64 || !METHOD.test(method)) return undefined
  if (!NAMED.has(method)) return { method, name: undefined }
  const name = decodeName(lines.get('mcp-name') ?? '')
  return name === undefined ? undefined : { method, name }
}

/** Accepts canonical base64 alone: a server may read another spelling as another name. */
function decodeName (value: string): string | undefined {
  const [, encoded] = ENCODED.exec(value) ?? []
  if (encoded === undefined) return NAME.test(value) && !value.startsWith('=?') ? value : undefined
  const bytes = Buffer.from(encoded, 'base64')
  const text = bytes.toString()
  return bytes.toString('base64') === encoded && NAME.test(text) ? text : undefined
}
