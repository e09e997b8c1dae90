import type { CodeLimits } from '../grants/code-limits.ts'
import type { KeySet } from '../../../base/authgear/key-set.ts'
import type { TokenEndpoint } from '../grants/token-endpoint.ts'
import type { Authenticator } from '../../../base/authenticate/types.ts'
import type { Clock } from '../../../base/clock.ts'
import type { Keyer } from '../../../base/core/cache-key.ts'
import type { Credentials } from '../../../base/core/credentials.ts'
import type { Handler, VerifyRequest } from '../../../base/http/types.ts'
import type { LoginAnswers } from '../responses.ts'
import type { Seal } from '../state.ts'
import type { LoginStep } from '../metrics.ts'
import type { OwnSessions } from '../sessions/sessions.ts'
import type { Refresh } from '../sessions/renewal.ts'
import type { SignOuts } from '../sign-outs.ts'
import type { RevokeLater } from '../sessions/ended-grants.ts'
import type { UsedCodes } from '../sessions/used-codes.ts'
import type { Site } from '../sites.ts'
import type { OwnAuthgearUrls } from './urls.ts'

/** Answers a request of a page at one of our origins. */
export type SiteHandler = (request: VerifyRequest, site: Site) => ReturnType<Handler>

export type OwnLoginDeps = Readonly<{
  answers: LoginAnswers
  authgear: OwnAuthgearUrls
  seal: Seal
  clock: Clock
  authenticator: Authenticator
  keyer: Keyer
  sessions: OwnSessions
  refresh: Refresh
  tokens: Pick<TokenEndpoint, 'redeem' | 'revoke'>
  keySet: Pick<KeySet, 'keyOf'>
  /** AUTHGEAR_ENDPOINT and LOGIN_CLIENT_ID: of an ID token. */
  issuer: string
  clientId: string
  /** LOGIN_SSO */
  sso: boolean
  codeLimits: CodeLimits
  usedCodes: UsedCodes
  revokeLater: RevokeLater
  signOuts: SignOuts
  /** Finds the user as whom the shared cache has these credentials. */
  sharedUser: (credentials: Credentials) => Promise<string | undefined>
  /** Absolute path of the login's route. */
  loginPath: string
  stepped: (step: LoginStep) => void
}>
