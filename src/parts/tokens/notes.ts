import type { TokensSettings } from './variables.ts'

const SCOPE_NOTE =
  'a valid token is no permission: Authgear gives a client without any scope one too, so each route of a ' +
    'resource needs `scope=…` (docs/resource-tokens.md)'

const NAME_NOTE =
  '`as=NAME` gives that user of the app to every machine of the project, unless `client=…` beside it names some ' +
    '(docs/basic.md)'

/** MCP clients ask for the scopes of the challenge, and Authgear wants `openid` of each. */
export function notesOf ({ resources }: TokensSettings): readonly string[] {
  const without = resources.filter(({ scopes }) => !scopes.includes('openid')).map(({ uri }) => uri)
  const signIn = `no MCP client can sign a person in for ${without.join(' ')}: write #openid,… behind it in RESOURCES; ` +
    'machines need none (docs/resource-tokens.md)'
  return [SCOPE_NOTE, NAME_NOTE, ...without.length === 0 ? [] : [signIn]]
}
