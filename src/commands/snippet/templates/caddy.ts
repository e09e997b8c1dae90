/* eslint-disable @stylistic/no-tabs -- a Caddyfile is indented by tabs */
import { AMBIGUOUS, HOP_HEADERS, HOST_SHAPE } from '../guards.ts'
import { anyCase, patternOf } from '../paths.ts'
import {
  allPolicies, type Files, hiddenCookies, identityOf, isForTokens, ownComment, ownPaths, type Route, type Settings,
  takesBasic
} from '../settings.ts'

export function caddy (settings: Settings): Files {
  return { Caddyfile: caddyfile(settings) }
}

const caddyfile = (settings: Settings): string => `\
${globalOptions(settings)}
${clean(settings)}
${hide(settings)}
${checks(settings)}
${site(settings)}
${otherNames(settings)}`

/** The first block of a Caddyfile, with the comment above it. */
export const globalOptions = (settings: Settings): string => `\
# Caddy >= 2.11.2 (2.9.1 to 2.11.1 let a client's header through where forward-auth sends none). Start it: caddy run --config Caddyfile
{
	admin off
${settings.https ? '' : `	default_bind ${settings.listen.host}\n`}\
	servers {
		max_header_size 64KiB # the default of 2.11.7, 16 KiB, refuses people with many cookies

		# behind a load balancer, so that the client's address is true: that one's addresses and no others
		# trusted_proxies static 10.0.0.5
		# trusted_proxies_strict
	}
}
`

export const otherNames = (settings: Settings): string => `\
# security: any other host name; without this Caddy answers an empty 200
${settings.https ? 'http://, https://' : `http://:${settings.listen.port}`} {
	respond 421
}
`

export const clean = (settings: Settings): string => `\
# removes headers that no client may send; the first line in "route" of each site, even before public paths
(authgear_clean) {
	route {
		# security: Caddy matches the cleaned path but sends the raw one on: /admin/../p would be judged as /p. Servlet containers read
		# /;/admin and /x/..;/admin as /admin
		@ambiguous vars_regexp {http.request.uri} (?i)^[^?]*${AMBIGUOUS}
		respond @ambiguous 400
		# security: app.example.com:80@evil.example is not a host name
		@badHost not vars_regexp {http.request.hostport} ${HOST_SHAPE}
		respond @badHost 421
		# security: the client's own copies, in every spelling
		request_header -*Authgear*
${settings.stripped.map((name) => `\t\trequest_header -${name}\n`).join('')}\
		# security: no header whose name has one of these, which some apps read as "-"
${ALIASES.map((char) => `\t\trequest_header -*${char}*\n`).join('')}\
		request_header -X-Forward-Auth-Policy # it could refuse the client only, with a warning in the log each time
${WEBSOCKET}\
${HOP_HEADERS.map(name => `\t\trequest_header -${name}\n`).join('')}\
	}
}
`

const WEBSOCKET = `\
		# security: two constants, for a request whose one Upgrade value is websocket (several are joined here), and nothing for any other:
		# h2c would go past forward_auth, and "Connection: X-Authgear-User-Id" would make Caddy drop that header on its way to the app
		@webSocket vars_regexp {http.request.header.Upgrade} (?i)^websocket$
		@noWebSocket not vars_regexp {http.request.header.Upgrade} (?i)^websocket$
		request_header @noWebSocket -Upgrade
		request_header @noWebSocket -Connection
		request_header @webSocket Upgrade websocket
		request_header @webSocket Connection Upgrade
`

/** Caddy itself drops `_` and `.` only, and not before 2.11.7; a pattern cannot have a star in its middle. */
const ALIASES = [...'_.~!#$%&\'*+^`|']

export const hide = (settings: Settings): string => `\
# security: the app gets every cookie but forward-auth's own. The policies below have it: import it where the app is asked without one
(authgear_hide_session) {
	route {
		request_header Cookie "^(${hiddenCookies(settings)}=[^;]*(; *|$))+|; *${hiddenCookies(settings)}=[^;]*" ""
		@noCookie vars_regexp {http.request.header.Cookie} ^$
		request_header @noCookie -Cookie
	}
}
`

const checks = (settings: Settings): string => `\
# asks forward-auth whether the request may pass and who sent it; the argument is a policy (docs/policies.md): import authgear_policy "role=admin".
# Left out it refuses everybody
${check(settings, targetOf(settings), 'policy')}\
${settings.resources.length === 0
? ''
: `
# the same for resource tokens (docs/resource-tokens.md): import authgear_resource "resource=https://…&scope=…"
${check(settings, targetOf(settings), 'resource')}`}\
${allPolicies(settings).some(({ policy }) => takesBasic(policy)) ? BASIC : ''}\
${ownPaths(settings).length > 0 ? `\n# ${ownComment(settings)}\n${login(ownPaths(settings), targetOf(settings))}` : ''}`

/** "route" keeps the order: without it request_header comes before forward_auth. */
export const BASIC = `
# the same where clients may send their id and secret (docs/basic.md): the app does not see them
(authgear_basic) {
	import authgear_resource {args[0]}
	route {
		request_header -Authorization
	}
}
`

/** Where forward-auth is, and the line of a transport that says whose certificate to believe, if any. */
type Target = Readonly<{ address: string, trust?: string }>

const targetOf = ({ forwardAuth: { tls, text } }: Settings): Target =>
  tls ? { address: `https://${text}`, trust: 'tls_trust_pool file ca.crt' } : { address: text }

/** @param kind of what a policy is about: a session, or a resource token */
export const check = (settings: Settings, { address, trust }: Target, kind: 'policy' | 'resource'): string => `\
(authgear_${kind}) {
	route {
		import authgear_clean
		forward_auth ${address} {
			uri /${kind === 'policy' ? 'verify' : 'resource'}?{args[0]} # security: keep the question mark, without it the client's own query goes to forward-auth
			copy_headers ${identityOf(settings).join(' ')} # security: all of them
			header_up -Connection
			header_up -Upgrade
			header_up -Expect
			header_up -Content-Type # of a body that forward-auth does not get
			lb_retries 2 # a replica that was just closing the connection
			lb_try_duration 1s # but not one that hangs
			lb_try_interval 100ms
			transport http {
				dial_timeout 1s
				response_header_timeout 5s # the default is to wait for ever
${trust === undefined ? '' : `				${trust} # security: whose certificate to believe\n`}\
			}
		}
		import authgear_hide_session
	}
}
`

/** A name alone: Caddy fetches the certificate, listens on every address, and redirects from port 80. */
export const siteAddress = ({ https, host, listen }: Settings): string => https ? host : `http://${host}:${listen.port}`

export const appAddress = ({ app }: Settings): string => `${app.tls ? 'https://' : ''}${app.text}`

const site = (settings: Settings): string => `\
${siteAddress(settings)} {
	# "route" keeps this order
	route {
		import authgear_clean # security: for every route below, public ones too

		# CORS preflights carry no credentials. To let the app answer them:
		# @preflight {
		# 	method OPTIONS
		# 	header Origin *
		# 	header Access-Control-Request-Method *
		# }
		# handle @preflight {
		# 	import authgear_clean
		# 	reverse_proxy ${appAddress(settings)}
		# }

${ownPaths(settings).length > 0 ? '\t\timport authgear_login\n\n' : ''}\
		# routes and their policies: docs/policies.md
${routes(settings)}\
	}
}
`

const routes = (settings: Settings): string => settings.routes.length === 0
  ? `\t\t${guard(settings.policy)}\n\t\treverse_proxy ${appAddress(settings)}\n`
  : settings.routes.map((route) => handle(settings, route)).join('') + `\
		handle { # ${settings.isPublic ? 'everybody may see the rest (--public)' : 'security: the catch-all; a path without its own route is still protected'}
			${settings.isPublic ? 'import authgear_hide_session' : guard(settings.policy)}
			reverse_proxy ${appAddress(settings)}
		}
`

const handle = (settings: Settings, route: Route): string => `\
		@${route.name} path_regexp "${anyCase(settings)}${patternOf(route).replaceAll('\\', '\\\\')}"
		handle @${route.name} {
			${guard(route.policy)}
			reverse_proxy ${appAddress(settings)}
		}
`

function guard (policy: string): string {
  return `import authgear_${takesBasic(policy) ? 'basic' : isForTokens(policy) ? 'resource' : 'policy'} "${policy}"`
}

/** This service's own paths of a host. */
export const login = (paths: readonly string[], { address, trust }: Target): string => `\
(authgear_login) {
	@login path ${paths.join(' ')}
	handle @login {
		import authgear_clean
		reverse_proxy ${address}${trust === undefined ? '' : transport(trust, '\t\t')}
	}
}
`

/** The rest of the line of a reverse_proxy, and its block. */
export const transport = (trust: string, indent: string): string => ` {
${indent}	transport http {
${indent}		${trust}
${indent}	}
${indent}}`
