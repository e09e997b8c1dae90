/* eslint-disable @stylistic/no-tabs -- a Caddyfile is indented by tabs */
import type { Files, Settings } from '../snippet/settings.ts'
import { authgearCaddy } from '../snippet/templates/authgear-caddy.ts'
import { appAddress, globalOptions, otherNames, siteAddress } from '../snippet/templates/caddy.ts'

/** A file for each host, so that another host changes no file that is there. */
export function caddyFiles (settings: Settings): Files {
  return {
    'authgear.caddy': authgearCaddy(settings),
    Caddyfile: `${globalOptions(settings)}\nimport authgear.caddy\nimport apps/*.caddy\n\n${otherNames(settings)}`,
    [`apps/${settings.host}.caddy`]: siteFile(settings)
  }
}

const siteFile = (settings: Settings): string => `\
# another policy, or public paths: docs/second-app.md
${siteAddress(settings)} {
	route {
		import authgear_clean
		import authgear_login
		import authgear_policy ""
		reverse_proxy ${appAddress(settings)}
	}
}
`
