import type { CodeLimits } from '../authgear/code-limits.ts'
import type { KeySet } from '../authgear/key-set.ts'
import type { TokenEndpoint } from '../authgear/token-endpoint.ts'
import type { Authenticator } from '../authenticate/types.ts'
import type { Clock } from '../clock.ts'
import type { Keyer } from '../core/cache-key.ts'
import type { Credentials } from '../core/credentials.ts'
import type { Handler, VerifyRequest } from '../http/types.ts'
import type { LoginAnswers } from '../login/responses.ts'
import type { Seal } from '../login/state.ts'
import type { SessionChanges } from '../own-session/changes.ts'
import type { Refresh } from '../own-session/refresh.ts'
import type { SignOuts } from '../revocation/sign-outs.ts'
import type { RevokeLater } from './revoke-later.ts'
import type { UsedCodes } from './used-codes.ts'
import type { Site } from './sites.ts'
import type { OwnAuthgearUrls } from './urls.ts'

/** Steps of logins: a metric's label. */
export const LOGIN_STEPS = [
  'silent', 'interactive', 'step_up', 'signed_in', 'stepped_up', 'signed_out', 'refused', 'failed'
] as const
export type LoginStep = (typeof LOGIN_STEPS)[number]

/** Answers a request of a page at one of our origins. */
export type SiteHandler = (request: VerifyRequest, site: Site) => ReturnType<Handler>

export type OwnLoginDeps = Readonly<{
  answers: LoginAnswers
  authgear: OwnAuthgearUrls
  seal: Seal
  clock: Clock
  authenticator: Authenticator
  keyer: Keyer
  changes: SessionChanges
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
  /** As whom the shared cache has these credentials. */
  sharedUser: (credentials: Credentials) => Promise<string | undefined>
  /** Absolute path of the login's route. */
  loginPath: string
  stepped: (step: LoginStep) => void
}>
