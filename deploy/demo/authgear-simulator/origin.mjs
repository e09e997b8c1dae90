// @ts-check
import { headerLines } from './credentials.mjs'

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/
const HOST = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(:\d*)?$/

/**
 * Scheme and host under which Authgear believes to be asked: they choose the project and form the audience of JWTs.
 * Undefined where its URL parser fails, which it answers with 500 even to nobody.
 * @param {import('node:http').IncomingMessage} request
 * @param {boolean} trustProxy Authgear's TRUST_PROXY
 * @returns {{ scheme: string, host: string } | undefined}
 */
export function readOrigin (request, trustProxy) {
  const first = (/** @type {string} */ name) => headerLines(request.rawHeaders, name)[0] ?? ''
  const forwarded = (/** @type {string} */ name) =>
    trustProxy ? first(`x-forwarded-${name}`) || first(`x-original-${name}`) : ''
  // Host is a list whose first entry counts, Proto is not: "https,http" is a bad scheme
  const host = (forwarded('host').split(',')[0] ?? '').trim() || first('host')
  const scheme = forwarded('proto') || ('encrypted' in request.socket ? 'https' : 'http')
  return SCHEME.test(scheme) && HOST.test(host) ? { scheme, host } : undefined
}

/**
 * Compared character by character: another case or a trailing dot is another project.
 * @param {string} host
 * @param {readonly string[] | undefined} hosts
 */
export function isKnownHost (host, hosts) {
  return hosts === undefined || hosts.includes(host.replace(/:\d*$/, ''))
}
