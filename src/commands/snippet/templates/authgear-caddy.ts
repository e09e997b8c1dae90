/* eslint-disable @stylistic/no-tabs -- a Caddyfile is indented by tabs */
import { METADATA_PATH } from '../../../base/core/protected-resource.ts'
import { ownPaths, type Settings } from '../settings.ts'
import { BASIC, check, clean, hide, login, transport } from './caddy.ts'

const TRUST = '{$FORWARD_AUTH_TLS}'
const JWKS_PATH = '/.well-known/forward-auth/jwks.json'

/** Every snippet that the pages import, under the names that `snippet caddy` uses too. */
export function authgearCaddy (settings: Settings): string {
  const target = { address: `{$FORWARD_AUTH:${settings.forwardAuth.text}}`, trust: TRUST }
  const paths = [
    ...ownPaths({ ...settings, login: true, resources: [] }), JWKS_PATH, METADATA_PATH, `${METADATA_PATH}/*`
  ]
  return `\
# For a Caddyfile of your own: import authgear.caddy (README.md has one of ten lines). Caddy >= 2.11.2. Where forward-auth is: FORWARD_AUTH;
# over TLS: FORWARD_AUTH_TLS="tls_trust_pool file ca.crt". The reasons: deploy/caddy/Caddyfile

${clean(settings)}
${hide(settings)}
# asks forward-auth whether the request may pass and who sent it; the argument is a policy (docs/policies.md): import authgear_policy "role=admin".
# Left out it refuses everybody
${check(settings, target, 'policy')}
# the same for an API's tokens (docs/resource-tokens.md): import authgear_resource "resource=https://app.example.com/api&scope=use"
${check(settings, target, 'resource')}${BASIC}
# the browser's way in and out, the keys of ASSERTION, and what a client reads to get a token of RESOURCES; 404 without them, and nothing
# else of forward-auth can be reached from outside. On each host of LOGIN_PUBLIC_URL, before authgear_policy
${login(paths, target)}
# Authgear's webhook, which its signature protects; 404 without AUTHGEAR_WEBHOOK_SECRET. Beside "route", not in it: authgear_clean takes the
# signature's header away
(authgear_webhook) {
	@webhook {
		method POST
		path /_auth/webhook
	}
	handle @webhook {
		rewrite * /webhook
		reverse_proxy ${target.address}${transport(TRUST, '\t\t')}
	}
}
`
}
