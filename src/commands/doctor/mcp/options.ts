export type McpOptions = Readonly<{
  /** As clients send it. */
  url: string
  /** The client to sign in as. */
  client: Readonly<{ id: string, redirectUri: string | undefined }> | undefined
  /** Register a client, which stays at Authgear. */
  registers: boolean
}>

export const MCP_OPTIONS = {
  mcp: { type: 'string' },
  'client-id': { type: 'string' },
  'redirect-uri': { type: 'string' },
  register: { type: 'boolean', default: false }
} as const

const MCP_URL = /^https?:\/\/[^\s/?#@\\]{1,260}(?:\/[\x21\x24-\x3b\x3d\x40-\x5b\x5d-\x7e]{0,1000})?$/
const CLIENT = /^[\x21-\x7e]{1,1000}$/
const OTHERS = ['cookie-stdin', 'host', 'idle-timeout', 'url', 'ports'] as const

type Values = Readonly<Partial<Record<
  'mcp' | 'client-id' | 'redirect-uri' | (typeof OTHERS)[number] | 'register', string | boolean | undefined
>>>

/** @returns undefined without `--mcp`, or what is wrong as a sentence, which repeats no argument */
export function mcpOptions (values: Values): McpOptions | undefined | string {
  const { mcp: text, 'client-id': id, 'redirect-uri': redirectUri, register } = values
  if (typeof text !== 'string') {
    const lost = id ?? redirectUri ?? (register === true ? register : undefined)
    return lost === undefined ? undefined : '--client-id, --redirect-uri and --register belong to --mcp'
  }
  if (!MCP_URL.test(text) || !URL.canParse(text)) return '--mcp is not a URL such as https://mcp.example.com/mcp'
  const other = OTHERS.find((name) => values[name] !== undefined && values[name] !== false)
  if (other !== undefined) return `--mcp and --${other}: only one of them can be looked at`
  return withClient(new URL(text).href, { id, redirectUri, isNew: register === true })
}

function withClient (
  url: string, { id, redirectUri, isNew }: Readonly<{ id: unknown, redirectUri: unknown, isNew: boolean }>
): McpOptions | string {
  if (isNew && id !== undefined) return '--client-id and --register: one client is enough'
  if (id === undefined && redirectUri !== undefined) return '--redirect-uri belongs to --client-id'
  if (id === undefined) return { url, client: undefined, registers: isNew }
  if (typeof id !== 'string' || !CLIENT.test(id)) return '--client-id is not the id of a client'
  if (redirectUri === undefined) {
    if (!/^https?:/.test(id) || !URL.canParse(id)) return '--client-id needs --redirect-uri, unless it is a URL'
    return { url, client: { id, redirectUri }, registers: false }
  }
  if (typeof redirectUri !== 'string' || !CLIENT.test(redirectUri) || !URL.canParse(redirectUri)) {
    return '--redirect-uri is not a URI such as http://localhost/callback'
  }
  return { url, client: { id, redirectUri }, registers: false }
}
