/** What a proxy's request says beside the credentials; one pass over the header lines as they arrived. */
export type ProxyRequest = Readonly<{
  /** Each `x-forward-auth-policy` line by itself, never joined: all apply. */
  policies: readonly string[]
  requestId: string | undefined
  /** Any Transfer-Encoding, or a Content-Length other than 0: what follows on the connection may be its body. */
  declaresBody: boolean
}>

/** An id that may stand in a log line and in a header as it is. */
const REQUEST_ID = /^[\w.:@+/=-]{1,128}$/
const NO_POLICIES: readonly string[] = Object.freeze([])

export function readProxyRequest (rawHeaders: readonly string[]): ProxyRequest {
  let policies: string[] | undefined
  let requestId: string | undefined
  let declaresBody = false
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const value = rawHeaders[i + 1] ?? ''
    if (name.length === 12 && is(name, 'x-request-id')) requestId ??= REQUEST_ID.test(value) ? value : undefined
    else if (name.length === 14 && is(name, 'content-length')) declaresBody ||= value !== '0'
    else if (name.length === 17 && is(name, 'transfer-encoding')) declaresBody = true
    else if (name.length === 21 && is(name, 'x-forward-auth-policy')) (policies ??= []).push(value)
  }
  return { policies: policies ?? NO_POLICIES, requestId, declaresBody }
}

function is (name: string, lowerCase: string): boolean {
  return name === lowerCase || name.toLowerCase() === lowerCase
}
