import type { Json } from '../../../base/core/json.ts'
import { documentIn, isPrivate, shown, stringsIn } from './ask.ts'
import type { Given, McpFound, Seen, Step } from './step.ts'

/** Of the authorization server: RFC 8414 first, as clients do, then OpenID Connect Discovery. */
export const serverMetadata: Step = {
  title: "Authgear's metadata",
  needs: 'resource',
  async run (given, { resource }) {
    const issuer = resource?.issuer ?? ''
    const [oauth, openid] = addressesOf(issuer)
    const [first, second] = [documentIn(await given.ask(oauth)), documentIn(await given.ask(openid))]
    if (first.kind === 'document') return judgeServer(given, issuer, oauth, first.json)
    const missing: McpFound = ['mcp-authgear-metadata', `${oauth} ${first.what}`]
    if (second.kind === 'none') return { findings: [missing] }
    const { findings = [], ...more } = judgeServer(given, issuer, openid, second.json)
    return { findings: [missing, ...findings], ...more }
  }
}

function addressesOf (issuer: string): readonly [oauth: string, openid: string] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [`${origin}/.well-known/oauth-authorization-server${path}`, `${origin}${path}/.well-known/openid-configuration`]
}

function judgeServer (given: Given, issuer: string, address: string, json: Json): Seen {
  const textOf = (name: string): string | undefined => typeof json[name] === 'string' ? json[name] : undefined
  const endpoints = ['authorization_endpoint', 'token_endpoint'].flatMap((name): readonly McpFound[] => {
    const value = textOf(name)
    if (value === undefined || !URL.canParse(value)) return [['mcp-endpoint', `${address} has no ${name}`]]
    return isPrivate(value) ? [] : [['mcp-endpoint', `${name} is ${shown(value)}`]]
  })
  const named = textOf('issuer')
  const byUrl = json['client_id_metadata_document_supported'] === true
  const byRegistering = textOf('registration_endpoint') !== undefined
  const authorize = textOf('authorization_endpoint')
  return {
    findings: [
      ...named === issuer ? [] : [['mcp-issuer', `issuer is ${shown(named ?? 'missing')}, not ${shown(issuer)}`]] as const,
      ...endpoints,
      ...stringsIn(json['code_challenge_methods_supported']).includes('S256')
        ? []
        : [['mcp-pkce', `code_challenge_methods_supported at ${address} lacks S256`]] as const,
      ...byUrl || byRegistering || given.client !== undefined
        ? []
        : [['mcp-registration', `${address} offers neither CIMD nor DCR`]] as const
    ],
    notes: [
      ...byUrl ? ['clients may use the URL of a document as their id (CIMD)'] : [],
      ...byRegistering ? ['clients may register (DCR)'] : []
    ],
    learnt: {
      server: {
        address,
        authorize: authorize !== undefined && URL.canParse(authorize) && isPrivate(authorize) ? authorize : undefined,
        register: textOf('registration_endpoint')
      }
    }
  }
}
