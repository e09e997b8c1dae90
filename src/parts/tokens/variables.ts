import type { SettingsOf, Variables } from '../../base/config/kind.ts'
import { choice, duration } from '../../base/config/parsers/values.ts'
import type { Rule } from '../../base/parts/part.ts'
import { type Resource, resources } from './resources.ts'

export const variables = {
  RESOURCES: {
    as: 'resources',
    kind: resources,
    file: true,
    example: 'https://api.example.com#read:orders,write:orders https://mcp.example.com/mcp#openid,use',
    meaning:
      'APIs and MCP servers for which Authgear issues tokens, exactly as registered (docs/resource-tokens.md). The ' +
        'scope `openid` lets MCP clients sign people in. JSON allows more: `[{"uri", "scopes", "name", ' +
        '"documentation"}]`.'
  },
  RESOURCE_TOKEN_MAX_AGE: {
    as: 'maxAgeMs',
    kind: duration({ min: '1m', max: '24h' }),
    fallback: '1h',
    meaning: 'The longest accepted lifetime of a resource token, from its `iat`. Revocations are kept that long.'
  },
  RESOURCE_CLIENTS: {
    as: 'clients',
    kind: choice(['any', 'allow-list']),
    fallback: 'any',
    meaning:
      "Which clients may use a resource. `any`: all with a token, or those in the route's `client=`. `allow-list`: " +
        "only those in the route's `client=`, so none without it."
  }
} as const satisfies Variables

export type TokensSettings = Readonly<{
  resources: readonly Resource[]
  /** RESOURCE_TOKEN_MAX_AGE */
  maxAgeMs: number
  /** RESOURCE_CLIENTS=allow-list: each route has to name its clients. */
  isAllowList: boolean
}>

/** Undefined: it is off. */
export function settingsOf (
  { resources, maxAgeMs, clients }: SettingsOf<typeof variables>
): TokensSettings | undefined {
  return resources === undefined ? undefined : { resources, maxAgeMs, isAllowList: clients === 'allow-list' }
}

/** Authgear refuses such a resource; here a session's own audience would be one. */
export const areElsewhere: Rule<typeof variables> = ({ base: { authgear }, values: { RESOURCES: resources = [] } }) => {
  const named = authgear === undefined ? undefined : new URL(authgear.origin).hostname
  const own = named === 'localhost' ? undefined : named // a simulated Authgear on this machine
  return resources.map(({ uri }) => {
    const { hostname } = new URL(uri)
    return own !== undefined && (hostname === own || hostname.endsWith(`.${own}`)) &&
      `RESOURCES: "${uri}" is on AUTHGEAR_ENDPOINT's own domain, where Authgear allows no resource`
  })
}

export const idleClients: Rule<typeof variables> = ({ isSet }) => [
  isSet('RESOURCE_CLIENTS') && !isSet('RESOURCES') && 'RESOURCE_CLIENTS: has no effect without RESOURCES'
]
