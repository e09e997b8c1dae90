/** An agent, with its person at a browser. */
export interface Agent {
  /** From nothing: connects, calls one tool, and signs the person in once where that is asked for. */
  call (path: string, tool: string): Promise<Called>
}

export type Called = Readonly<{
  /** What the tool said, or why it could not be called. */
  text?: string
  error?: string
  /** The version of MCP that was agreed on, where the SDK says it. */
  protocol?: string
  /** Requests to the server: `POST /mcp 401`, with ` resumed` where one goes on with a stream that was cut. */
  seen: readonly string[]
  /** The agent's id at Authgear, and its access token. */
  client: string
  token: string
}>

export type Introduction = Readonly<{
  origin: string
  /** Of the proxy. */
  port: number
  /** The URL of the client's document; without one it registers itself. */
  document?: string | undefined
  /** A session of Authgear's, sent instead of a token. */
  cookie?: string
}>

/** Authgear registers no `http://127.0.0.1`. */
export const CALLBACK = 'http://localhost:1/callback'

/** Walks through the pages of the simulated Authgear, as a browser. @returns the client's own page, where it ends */
export async function signIn (start: string, user: string, callback = CALLBACK): Promise<string> {
  let [url, cookie, body]: [URL, string, URLSearchParams | undefined] = [new URL(start), '', undefined]
  for (let step = 0; step < 10; step++) {
    const init = body === undefined ? {} : { method: 'POST', body }
    const answer = await fetch(url, { ...init, headers: { cookie }, redirect: 'manual' })
    const page = await answer.text()
    const set = answer.headers.getSetCookie().map((line) => line.split(';')[0])
    cookie = [cookie, ...set].filter((pair) => pair !== '').join('; ')
    const location = answer.headers.get('location')
    if (answer.status >= 400) throw new Error(`Authgear refuses: ${page}`)
    body = location === null ? new URLSearchParams({ user }) : undefined
    if (location !== null) url = new URL(location, url)
    if (url.href.startsWith(callback)) return url.href
  }
  throw new Error(`no code came back: ${url}`)
}
