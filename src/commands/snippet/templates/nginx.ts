import { MCP_NOT_ALLOWED, mcpError } from '../../../base/core/mcp-call.ts'
import { AMBIGUOUS, HOP_HEADERS } from '../guards.ts'
import { patternOf, PCRE_END } from '../paths.ts'
import {
  allPolicies,
  answerBuffer,
  CALL_HEADERS,
  clearedOf,
  FORWARDED_REQUEST_HEADERS,
  both,
  type Files,
  hiddenCookies,
  identityOf,
  ownComment,
  ownPaths,
  ownPattern,
  checkOf,
  judgesCalls,
  type Settings,
  takesBasic
} from '../settings.ts'

export function nginx (settings: Settings): Files {
  return {
    'nginx.conf': mainFile(settings),
    'authgear_call.inc': callFile(settings),
    'authgear_app.inc': appFile(settings),
    'authgear_none.inc': noneFile(settings)
  }
}

const mainFile = (settings: Settings): string => `\
# nginx >= 1.22 with ngx_http_auth_request_module (most packages have it). Check it: nginx -t -c "$PWD/nginx.conf"
events {}
http {
  large_client_header_buffers 4 32k; # the default, 8k, refuses a cookie of 9 kB
${settings.outgoing.some(({ length }) => length > LONG_NAME) ? LONG_NAMES : ''}\

  # nginx looks names up once, at its start: reload it when the addresses behind them change
  upstream forward_auth { server ${settings.forwardAuth.text} fail_timeout=1s; keepalive 64; } # a replica that failed is tried again after 1 s, not 10
  upstream app          { server ${settings.app.text}; keepalive 32; }

${MAPS}${cookieMap(settings)}
  # security: any other host name
${settings.https ? OTHER_NAMES : `  server { listen ${settings.listen.text} default_server; return 421; }\n`}\

${server(settings)}\
}
`

const MAPS = `\
  # behind a load balancer, so that the client's address is true: that one's addresses and no others
  # set_real_ip_from 10.0.0.5; real_ip_header X-Forwarded-For; real_ip_recursive on;

  # security: constants, for a request whose one Upgrade value is websocket (several are joined): h2c would go past auth_request
  map $http_upgrade $authgear_upgrade { default ""; ~*^websocket$ websocket; }
  map $authgear_upgrade $authgear_connection { default ""; websocket upgrade; }

  # security: nginx matches the cleaned path but sends the raw one on: /admin/../p would be judged as /p. Servlet containers read
  # /;/admin and /x/..;/admin as /admin
  map $request_uri $authgear_ambiguous { default 0; "~*^[^?]*${AMBIGUOUS.replaceAll('\\', '\\\\')}" 1; }

  # CORS preflights carry no credentials. To let the app answer them, take the comment marks off here and below:
  # map "$request_method $http_origin $http_access_control_request_method" $authgear_preflight { default 0; "~^OPTIONS [^ ]+ [^ ]+$" 1; } # an origin has colons, no blanks
`

const cookieMap = (settings: Settings): string => `\

  # security: the app gets every cookie but forward-auth's own, of which a browser has three at most: each map takes one out
${withoutOne(settings, 'http_cookie', 'authgear_cookie_1')}\
${withoutOne(settings, 'authgear_cookie_1', 'authgear_cookie_2')}\
${withoutOne(settings, 'authgear_cookie_2', 'authgear_cookie')}`

const withoutOne = (settings: Settings, from: string, to: string): string => `\
  map $${from} $${to} {
    default $${from};
    "~^${hiddenCookies(settings)}=[^;]*(; *|$)(?<authgear_rest>.*)$" $authgear_rest;
    "~^(?<authgear_before>.*); *${hiddenCookies(settings)}=[^;]*(?<authgear_after>.*)$" $authgear_before$authgear_after;
  }
`

const OTHER_NAMES = `\
  server { listen 80 default_server; listen [::]:80 default_server; return 421; } # without IPv6 take the [::] out
  server { listen 443 ssl default_server; listen [::]:443 ssl default_server; ssl_reject_handshake on; return 421; }
`

const httpsServer = (host: string): string => `\
  server {
    listen 80;
    listen [::]:80;
    server_name ${host};
    # the first time, before nginx runs: certbot certonly --standalone -d ${host}; renewals: --webroot -w acme
    location /.well-known/acme-challenge/ { root acme; }
    location / { return 308 https://${host}$request_uri; }
  }
`

/** The TLS settings of all locations that go to the app; those that go to forward-auth have their own. */
const tlsToApp = (host: string): string => `\
    # security: off by default. A certificate that the app signed itself: its file instead of the system's CAs
    proxy_ssl_verify on; proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt; proxy_ssl_server_name on; proxy_ssl_name ${host};

`

const LISTEN_HTTPS = `\
    listen 443 ssl;
    listen [::]:443 ssl;
    ssl_certificate fullchain.pem; # beside this file
    ssl_certificate_key privkey.pem;
`

const server = (settings: Settings): string => `\
${settings.https ? httpsServer(settings.host) : ''}\
  server {
${settings.https ? LISTEN_HTTPS : `    listen ${settings.listen.text};\n`}\
    server_name ${settings.host};

${settings.app.tls ? tlsToApp(settings.app.host) : ''}\
    if ($authgear_ambiguous) { return 400; }

    # error_page 418 = @preflight;
    # if ($authgear_preflight) { return 418; }
    # location @preflight { include authgear_none.inc; ${HIDE} ${toApp(settings)} }

${DOWN_ANSWER}\
${ownPaths(settings).length > 0 ? ownLocation(settings) : ''}${settings.login ? LOGIN_ANSWER : ''}${settings.resources.length > 0 ? SCOPE_ANSWER : ''}\
${allPolicies(settings).some(({ policy }) => judgesCalls(policy)) ? CALL_ANSWER : ''}\
    # routes and their policies: docs/policies.md
    # security: a policy belongs into proxy_pass, never into auth_request itself (auth_request /_authgear/any?role=admin): that request
    # would miss this location, reach the app, and the app's own 200 would grant access.
    # login=off: nginx would make a 500 of a redirect; where to log in comes in a header then
${allPolicies(settings).map(({ name, policy }) =>
`    location = /_authgear/${name} { internal; proxy_pass ${settings.forwardAuth.tls ? 'https' : 'http'}://forward_auth${checkOf(both(policy, 'login=off'))}; include authgear_call.inc; }\n`).join('')}\
${settings.routes.map((route) => locationOf(settings, `${settings.isCaseSensitive ? '~' : '~*'} "${patternOf(route, PCRE_END).replaceAll('\\', '\\\\')}"`, route.name)).join('')}\
${settings.isPublic ? publicLocation(settings) : locationOf(settings, '/', 'app')}\
  }
`

const DOWN_ANSWER = `\
    # auth_request knows 2xx, 401 and 403: everything else, also forward-auth's own 503, has become a 500 of nginx's
    error_page 500 = @authgear_down;
    location @authgear_down {
      internal;
      default_type application/json;
      add_header Retry-After 1 always;
      add_header Cache-Control no-store always;
      return 503 '{"error":"authgear_unavailable","message":"Signing in cannot be checked at the moment. Please try again."}\\n';
    }

`

/** Characters of a name for which nginx's tables are large enough by default; the longest has 64. */
const LONG_NAME = 32
const LONG_NAMES = '  variables_hash_bucket_size 128; proxy_headers_hash_bucket_size 128; # for long names of headers\n'

const toApp = ({ app }: Settings): string => `proxy_pass http${app.tls ? 's' : ''}://app;`

const locationOf = (settings: Settings, match: string, name: string): string => `\
    location ${match} {${match === '/' ? ' # security: the catch-all, what has no location of its own is still protected' : ''}
      auth_request /_authgear/${name};
      include authgear_app.inc;
${takesBasic(policyOf(settings, name)) ? '      proxy_set_header Authorization ""; # security: the app must not see a secret\n' : ''}\
${judgesCalls(policyOf(settings, name)) ? ofCalls(settings) : ''}\
      ${toApp(settings)}
    }
`

const policyOf = (settings: Settings, name: string): string =>
  allPolicies(settings).find((one) => one.name === name)?.policy ?? ''

/** Hides our cookie from the app; a login route of ours needs it. */
const HIDE = 'proxy_set_header Cookie $authgear_cookie;'

const publicLocation = (settings: Settings): string => `\
    location / { # everybody may see the rest (--public)
      include authgear_none.inc;
      ${HIDE}
      ${toApp(settings)}
    }
`

const ownLocation = (settings: Settings): string => `\
    # ${ownComment(settings)}
    location ~ ${ownPattern(settings)} {
      include authgear_none.inc;
      proxy_pass ${settings.forwardAuth.tls ? 'https' : 'http'}://forward_auth;
      proxy_buffer_size 16k; proxy_buffers 4 16k; # the way back of a long address; the default, 4k, makes it a 502
${settings.forwardAuth.tls ? tlsLines(settings.forwardAuth.host, '      ') : ''}\
    }
`

/** nginx passes a 401's challenge on, and not that of a 403. */
const SCOPE_ANSWER = `\
    error_page 403 = @authgear_forbidden;
    location @authgear_forbidden {
      internal;
      add_header Cache-Control no-store always;
      add_header WWW-Authenticate $authgear_challenge always; # which scope is missing
      return 403;
    }

`

const LOGIN_ANSWER = `\
    # nginx cannot pass a redirect of forward-auth's on, and makes one itself of what forward-auth says: which it says for
    # a page opened in a browser, never for a program, a form or a frame
    error_page 401 = @authgear_login;
    location @authgear_login {
      internal;
      add_header Cache-Control no-store always;
      if ($authgear_login) { return 302 $authgear_login; }
      return 401;
    }

`

const underscored = (name: string): string => name.toLowerCase().replaceAll('-', '_')

const SAME_CALL = [
  '      # security: the judged call: of two lines nginx before 1.23 reads the first, and apps may read the last\n',
  ...CALL_HEADERS.map((name) => `      proxy_set_header ${name} $http_${underscored(name)};\n`),
  '      proxy_set_header X-Forwarded-Method $request_method;\n'
].join('')

/** A location with one error page of its own inherits no other. */
const ofCalls = ({ login }: Settings): string => `\
${SAME_CALL}\
      error_page 403 = @authgear_call;
      error_page 500 = @authgear_down;
${login ? '      error_page 401 = @authgear_login;\n' : ''}`

/** nginx throws the body of a refusal away, and clients of MCP show an error of JSON-RPC alone. */
const CALL_ANSWER = `\
    location @authgear_call {
      internal;
      default_type application/json;
      add_header Cache-Control no-store always;
      add_header WWW-Authenticate $authgear_challenge always; # which scope is missing
      return 403 '${mcpError('$authgear_reason', MCP_NOT_ALLOWED)}';
    }

`

const COLUMN = 36
const line = (text: string, comment = ''): string =>
  comment === '' ? `${text}\n` : `${text.padEnd(COLUMN)}# ${comment}\n`

const callFile = (settings: Settings): string =>
  [
    "# the question to forward-auth; beside it: proxy_pass http://forward_auth/verify, with the route's policy as " +
      'its query\n',
    ...NOTHING_ELSE,
    settings.forwardAuth.tls ? tlsLines(settings.forwardAuth.host, '') : '',
    line('proxy_set_header Host $proxy_host;'),
    ...FORWARDED_REQUEST_HEADERS.map((name) => line(`proxy_set_header ${name} $http_${underscored(name)};`)),
    ...FORWARDED,
    ...TIMEOUTS,
    line(
      `proxy_buffer_size ${answerBuffer(settings)};`,
      'an identity with hundreds of roles; the default, 4k, makes it a 503'
    ),
    line(`proxy_buffers 4 ${answerBuffer(settings)};`)
  ].join('')

const NOTHING_ELSE = [
  line('proxy_method HEAD;', "a refusal's body, which nginx throws away, would cost a new connection each time"),
  line(
    'proxy_pass_request_body off;',
    "security: with the client's Content-Length but without its body, forward-auth"
  ),
  line('proxy_set_header Content-Length "";', 'would take the next request on this connection for that body'),
  line('proxy_pass_request_headers off;', 'security: only what is named here reaches forward-auth'),
  line('proxy_http_version 1.1;'),
  line('proxy_set_header Connection "";')
]

const FORWARDED = [
  line('proxy_set_header X-Forwarded-For $remote_addr;'),
  line('proxy_set_header X-Forwarded-Proto $scheme;'),
  line('proxy_set_header X-Forwarded-Host $host;'),
  line('proxy_set_header X-Forwarded-Uri $request_uri;', 'where to come back to after a login; no decision reads it'),
  line('proxy_set_header X-Forwarded-Method $request_method;', 'only who opens a page is sent to log in')
]

const TIMEOUTS = [
  line('proxy_connect_timeout 1s;'),
  line('proxy_send_timeout 5s;'),
  line('proxy_read_timeout 5s;'),
  line('proxy_next_upstream error timeout;', 'the other replica, or a fresh connection for one that was just closed'),
  line('proxy_next_upstream_tries 2;'),
  line('proxy_next_upstream_timeout 3s;')
]

const tlsLines = (host: string, indent: string): string => [
  line('proxy_ssl_verify on;', 'security: off by default, and then any certificate will do'),
  line('proxy_ssl_trusted_certificate ca.crt;'),
  line('proxy_ssl_server_name on;'),
  line(`proxy_ssl_name ${host};`)
].map(text => indent + text).join('')

/** `$remote_user` is nginx's own, so that names other than Authgear's have a prefix. */
const variable = (name: string): string =>
  name.startsWith('X-Authgear-') ? underscored(name.slice(2)) : `identity_${underscored(name)}`

const appFile = (settings: Settings): string => `\
# the identity for the app. security: in the SAME location as every other proxy_set_header, since one there switches off all
# that are inherited, and the client's own X-Authgear-* would pass
${identityOf(settings).map(name => `auth_request_set $${variable(name)} $upstream_http_${underscored(name)};\n`).join('')}\
auth_request_set $authgear_reason $upstream_http_x_forward_auth_reason; # for a refusal of your own: docs/proxies/nginx.md
auth_request_set $authgear_challenge $upstream_http_www_authenticate; # which scope a token lacks: docs/resource-tokens.md
auth_request_set $authgear_login $upstream_http_x_forward_auth_login; # where to log in: docs/login.md
${identityOf(settings).map(name => `proxy_set_header ${name} $${variable(name)};\n`).join('')}\
# security: no such value comes here: only clear the client's
${clearedOf(settings).filter((name) => !identityOf(settings).includes(name)).map((name) => `proxy_set_header ${name} "";\n`).join('')}\
# Other names (X-Authgear-Foo) pass stock nginx: apps must read these names only. With the headers-more module:
# more_clear_input_headers 'X-Authgear-*';
proxy_http_version 1.1;
proxy_set_header Host $host;
proxy_set_header Upgrade $authgear_upgrade;
proxy_set_header Connection $authgear_connection;
${HIDE}
${TO_APP}`

const noneFile = (settings: Settings): string => `\
# for a location without auth_request. security: the app must not see a client's own
${clearedOf(settings).map(name => `proxy_set_header ${name} "";\n`).join('')}\
proxy_http_version 1.1;
proxy_set_header Host $host;
proxy_set_header Upgrade "";
proxy_set_header Connection "";
${TO_APP}`

/** The headers that tell the app about the request; nginx always drops `TE` and `Transfer-Encoding`. */
const TO_APP = `\
${HOP_HEADERS.map(name => `proxy_set_header ${name} "";\n`).join('')}\
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Host $host;
proxy_set_header X-Forwarded-Proto $scheme;
`
