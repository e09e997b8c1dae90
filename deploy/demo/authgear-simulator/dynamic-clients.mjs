// @ts-check
import { randomBytes } from 'node:crypto'
import { refuse } from './oauth-query.mjs'

/** @import { ClientDocument, OAuthClient, SimulatorOptions } from './types.d.mts' */
/** @typedef {{ status: number, answer: object }} Registered */

const ACCESS_SECONDS = 1800

/**
 * Releases since September 2026 have them; the ones before ignore a `resource` where a person signs in.
 * @param {Pick<SimulatorOptions, 'registration' | 'clientDocuments'>} options
 */
export const hasDynamicClients = ({ registration = 'off', clientDocuments }) =>
  registration !== 'off' || clientDocuments !== undefined

/**
 * Clients that register themselves, and those whose id is the URL of a document that says what they are: all third
 * parties. Registration as seen at a real server of August 2026; the rest as Authgear's documentation of September 2026
 * says, not recorded (docs/inside/authgear.md, "Dynamic clients").
 * @param {Pick<SimulatorOptions, 'registration' | 'clientDocuments'>} options
 * @param {Pick<import('./audit-controls.mjs').Chronicle,
 *   'clientRegistered' | 'clientResolved' | 'clientFailed' | 'clientDeleted'>} chronicle
 */
export function createDynamicClients ({ registration = 'off', clientDocuments = {} }, chronicle) {
  /** @type {Map<string, OAuthClient>} */
  const clients = new Map()
  /** @type {Map<string, OAuthClient>} nobody signs in to them, and their refresh tokens go on */
  const deleted = new Map()

  /** @param {unknown} body @returns {Registered} */
  function register (body) {
    if (registration === 'off') {
      return { status: 403, answer: refuse('access_denied', 'dynamic client registration is not enabled') }
    }
    if (registration === 'by-token') {
      chronicle.clientFailed('REGISTRATION', 'invalid_initial_access_token', 'not_presented')
      return { status: 401, answer: refuse('invalid_initial_access_token', 'an initial access token is required') }
    }
    const metadata = /** @type {Record<string, unknown>} */ (Object(body))
    const problem = problemOfMetadata(metadata)
    if (problem !== undefined) {
      chronicle.clientFailed('REGISTRATION', 'invalid_client_metadata', problem.error_description)
      return { status: 400, answer: problem }
    }
    const id = `dcrc_${randomBytes(16).toString('base64url')}`
    const client = clientOf(id, 'dcr', /** @type {ClientDocument} */ (/** @type {unknown} */ (metadata)))
    clients.set(id, client)
    chronicle.clientRegistered(client)
    return { status: 201, answer: { ...metadata, client_id: id, token_endpoint_auth_method: 'none' } }
  }

  return Object.freeze({
    register,
    list: () => [...clients.values()],
    /** Reads the document of a client that nobody knows: at `authorize` alone. @param {string} id */
    resolve (id) {
      if (!id.startsWith('https://') || clients.has(id)) return
      const document = clientDocuments[id]
      if (document?.client_id !== id) return chronicle.clientFailed('RESOLUTION', 'document_unreachable', id)
      const client = clientOf(id, 'cimd', document)
      clients.set(id, client)
      chronicle.clientResolved(client)
    },
    /** @param {string} id */
    delete (id) {
      const client = clients.get(id)
      if (client === undefined) throw new Error(`the simulator knows no dynamic client ${id}`)
      clients.delete(id)
      deleted.set(id, client)
      chronicle.clientDeleted(client)
    },
    /** @param {string} id */
    deleted: id => deleted.get(id)
  })
}

/** @typedef {ReturnType<typeof createDynamicClients>} DynamicClients */

/** @param {string} id @param {'dcr' | 'cimd'} source @param {ClientDocument} document @returns {OAuthClient} */
function clientOf (id, source, { redirect_uris: redirectUris, client_name: name = `Client ${id}` }) {
  return {
    id,
    name,
    source,
    type: 'third_party_app',
    redirectUris: redirectUris.map(String),
    postLogoutRedirectUris: [],
    accessTokenSeconds: ACCESS_SECONDS
  }
}

/** RFC 7591, for public clients only. @param {Record<string, unknown>} metadata */
function problemOfMetadata ({ redirect_uris: uris, application_type: type, token_endpoint_auth_method: method }) {
  const given = Array.isArray(uris) ? uris.map(String) : []
  if (given.length === 0 || method === 'client_secret_post') {
    return refuse('invalid_client_metadata', 'redirect_uris, token_endpoint_auth_method')
  }
  const isNative = type === 'native'
  return given.every((uri) => mayLeadTo(uri, isNative))
    ? undefined
    : refuse('invalid_redirect_uri', 'dcr: invalid redirect_uri')
}

/** A program's own page is `http://localhost` or a scheme of its own. @param {string} uri @param {boolean} isNative */
function mayLeadTo (uri, isNative) {
  if (uri.startsWith('https://')) return true
  return isNative && (uri.startsWith('http:') ? new URL(uri).hostname === 'localhost' : true)
}
