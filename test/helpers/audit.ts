import { generateKeyPairSync } from 'node:crypto'
import type { AdminApiOptions } from '../../deploy/demo/authgear-simulator/server.mjs'

export const APP_ID = 'app'
export const KEY_ID = 'the-kid'

const pair = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' }
})

export const PRIVATE_KEY = pair.privateKey

/** The simulator's half. */
export const adminApi: AdminApiOptions = { appId: APP_ID, keyId: KEY_ID, publicKey: pair.publicKey }

/** A replica's half. */
export function adminEnvironment (authgear: string): Readonly<Record<string, string>> {
  return {
    AUTHGEAR_ADMIN_API_URL: `${authgear}/graphql`,
    AUTHGEAR_ADMIN_API_KEY: PRIVATE_KEY,
    AUTHGEAR_ADMIN_API_KEY_ID: KEY_ID,
    AUTHGEAR_APP_ID: APP_ID
  }
}

/** The same, and how often the audit log is read. */
export function auditEnvironment (authgear: string, poll: string): Readonly<Record<string, string>> {
  return { ...adminEnvironment(authgear), AUTHGEAR_AUDIT_POLL: poll }
}
