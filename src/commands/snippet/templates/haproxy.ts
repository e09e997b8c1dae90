import { HOP_HEADERS, PARAMETER } from '../guards.ts'
import { patternOf } from '../paths.ts'
import {
  allPolicies,
  FORWARDED_RESPONSE_HEADERS,
  FORWARDED_REQUEST_HEADERS,
  escaped,
  type Files,
  hiddenCookies,
  identityOf,
  lower,
  ownComment,
  ownPaths,
  checkOf,
  respelled,
  type Settings,
  takesBasic
} from '../settings.ts'

export function haproxy (settings: Settings): Files {
  return { 'haproxy.cfg': mainFile(settings), 'forward_auth.lua': luaFile(settings) }
}

const mainFile = (settings: Settings): string => `\
# HAProxy >= 2.6 with Lua. Check it in this folder: haproxy -c -f haproxy.cfg
global
    expose-experimental-directives # for normalize-uri
.if version_atleast(3.1)
    tune.lua.bool-sample-conversion normal
.endif
    lua-load forward_auth.lua
    tune.bufsize 65536 # the default, 16k, has to hold a request's headers and the identity
    tune.http.maxhdr 256
${settings.forwardAuth.tls ? '    httpclient.ssl.ca-file ca.crt # security: whose certificate to believe\n    httpclient.ssl.verify required\n' : ''}\
.if version_atleast(2.8)
    httpclient.retries 1 # 2.6 always makes up to four tries
    httpclient.timeout.connect 1s
.endif

${DEFAULTS}${frontend(settings)}${backends(settings)}`

const DEFAULTS = `\
defaults
    mode http
    timeout client 30s
    timeout server 30s
    timeout connect 1s
    timeout tunnel 1h
    timeout http-request 30s

`

const frontend = (settings: Settings): string => `\
frontend web
    bind ${settings.listen.text}

    # behind a load balancer, so that the client's address is true: that one's addresses and no others
    # http-request set-src hdr_ip(x-forwarded-for,-1) if { src 10.0.0.5 }

${PATHS}\
    # security: any other host name, and any other spelling of ours; fhdr: the whole line, also behind a comma
    http-request deny deny_status 421 unless { req.fhdr_cnt(host) eq 1 } { req.fhdr(host) -m reg -i '^${escaped(settings.host)}(:[0-9]+)?$' }
    # security: the client's own copies, in every spelling
    http-request del-header (?i)authgear -m reg
${settings.stripped.map((name) => `    http-request del-header (?i)^${respelled(name)}$ -m reg\n`).join('')}\
    http-request del-header x-forward-auth- -m beg
    http-request del-header (?i)^mcp[a-z0-9-]*[^a-z0-9-] -m reg # security: some servers read Mcp_Name as Mcp-Name
    http-request del-header x-forwarded- -m beg
${WEBSOCKET}\
${['TE', ...HOP_HEADERS].map(name => `    http-request del-header ${name.toLowerCase()}\n`).join('')}\

${PREFLIGHTS}\
${routes(settings)}\

${TO_APP}\
${ownPaths(settings).length > 0 ? '    use_backend forward_auth if authgear_own\n' : ''}\
    default_backend app
`

const PREFLIGHTS = `\
    # CORS preflights carry no credentials. To let the app answer them, take the comment marks off:
    # acl options method OPTIONS
    # acl origin req.hdr(origin) -m found
    # acl asks_method req.hdr(access-control-request-method) -m found
    # http-request set-var(txn.authgear_allowed) bool(true) if options origin asks_method
`

const routes = (settings: Settings): string => `\
${ownPaths(settings).length > 0 ? own(settings) : ''}\

    # routes and their policies, the first match counts: docs/policies.md
${settings.routes.map((route) => `\
    http-request set-var-fmt(txn.authgear_url) "${settings.forwardAuth.origin}${checkOf(route.policy)}" if { path -m reg${settings.isCaseSensitive ? '' : ' -i'} '${patternOf(route)}' } !{ var(txn.authgear_url) -m found }
`).join('')}\
    # security: the catch-all; a path without its own route is still protected
    http-request set-var-fmt(txn.authgear_url) "${settings.forwardAuth.origin}${checkOf(settings.policy)}" unless { var(txn.authgear_url) -m found }
    http-request lua.forward-auth unless { var(txn.authgear_allowed) -m bool }
    # security: only the script says yes; an error in it must not allow a request
    http-request deny deny_status 503 unless { var(txn.authgear_allowed) -m bool }
${allPolicies(settings).some(({ policy }) => takesBasic(policy)) ? HIDE_SECRET : ''}`

const HIDE_SECRET = `\
    # security: the app must not see a secret
    http-request del-header authorization if { var(txn.authgear_url) -m reg '[?&]basic=on(&|$)' }
`

/** Before a route is chosen. */
const PATHS = `\
    # security: servlet containers read /;/admin and /x/..;/admin as /admin
    http-request deny deny_status 400 if { path -m reg -i '${PARAMETER}' }
    # security: a path is cleaned before a route is chosen, and the app gets the same; what cannot be cleaned is 400
    http-request normalize-uri percent-decode-unreserved
    http-request normalize-uri path-merge-slashes
    http-request normalize-uri path-strip-dot
    http-request normalize-uri path-strip-dotdot full
    http-request deny deny_status 400 if { path -m reg -i '%2f|%5c|%00|%2e|[\\\\#]' }
`

/** No other upgrade, and no header for one hop of the client's. */
const WEBSOCKET = `\
    # security: constants, for a request whose one Upgrade value is websocket: h2c would go past forward-auth, and no next hop may
    # obey the client's Connection list
    http-request set-var(txn.authgear_websocket) bool(true) if { req.fhdr_cnt(upgrade) eq 1 } { req.fhdr(upgrade) -m str -i websocket }
    http-request del-header upgrade
    http-request del-header connection
    http-request set-header upgrade websocket if { var(txn.authgear_websocket) -m bool }
    http-request set-header connection upgrade if { var(txn.authgear_websocket) -m bool }
`

const TO_APP = `\
    http-request set-header x-forwarded-for %[src]
    http-request set-header x-forwarded-host %[req.hdr(host)]
    http-request set-header x-forwarded-proto https if { ssl_fc }
    http-request set-header x-forwarded-proto http unless { ssl_fc }
`

const backends = (settings: Settings): string => `\

backend app
.if version_atleast(3.1)
    option http-drop-request-trailers # security: a client's identity names; older versions pass them to the app
.endif
    # security: the app gets every cookie but forward-auth's own, of which a browser has three at most
    http-request replace-header cookie '^(${hiddenCookies(settings)}=[^;]*(; *|$))+(.*)$' '\\4'
${`    http-request replace-header cookie '^(.*); *${hiddenCookies(settings)}=[^;]*(.*)$' '\\1\\3'\n`.repeat(3)}\
    http-request del-header cookie if { req.fhdr_cnt(cookie) eq 1 } { req.fhdr(cookie) -m len 0 }
    server app ${settings.app.text}
${ownPaths(settings).length > 0 ? `\nbackend forward_auth\n    server forward_auth ${settings.forwardAuth.text}${settings.forwardAuth.tls ? ' ssl verify required ca-file ca.crt' + sni(settings.forwardAuth.host) : ''}\n` : ''}`

const sni = (host: string): string => ` sni str(${host}) verifyhost ${host}`

const own = (settings: Settings): string => `\

    # ${ownComment(settings)}
    acl authgear_own path ${ownPaths(settings).join(' ')}
    http-request set-var(txn.authgear_allowed) bool(true) if authgear_own
`

const list = (names: readonly string[]): string => lower(names).map(name => `"${name}"`).join(', ')

const luaFile = (settings: Settings): string => `\
-- http-request lua.forward-auth: asks txn.authgear_url whether this request may pass. Only a 200 sets txn.authgear_allowed;
-- every other answer goes to the client as it is, and no answer is a 503.
local FORWARDED_REQUEST_HEADERS = { ${list(FORWARDED_REQUEST_HEADERS.filter(name => name !== 'Cookie'))} }
local IDENTITY = { ${list(identityOf(settings))} }
local FORWARDED_RESPONSE_HEADERS = { ${list(FORWARDED_RESPONSE_HEADERS)} }
${LUA}`

/** The script that is the same for everybody. */
const LUA = `\
local TIMEOUT = 3500 -- ms for each try; forward-auth itself answers within 1.25 times AUTHGEAR_TIMEOUT (2 s) and 2 times REDIS_TIMEOUT
local TLS = { [true] = true, [1] = true, ["1"] = true } -- ssl_fc is a boolean in some versions, 1 or "1" in others
local DOWN = '{"error":"authgear_unavailable","message":"Signing in cannot be checked at the moment. Please try again."}'

-- HAProxy counts the lines of one name from 0
local function lines_of(headers, name)
  local lines = {}
  if headers[name] then for i = 0, #headers[name] do lines[#lines + 1] = headers[name][i] end end
  return lines
end

local function down(txn)
  local reply = txn:reply({ status = 503, body = DOWN })
  reply:add_header("content-type", "application/json")
  reply:add_header("cache-control", "no-store")
  reply:add_header("retry-after", "1")
  txn:done(reply)
end

local function refuse(txn, answer)
  local reply = txn:reply({ status = answer.status })
  for _, name in ipairs(FORWARDED_RESPONSE_HEADERS) do
    for _, line in ipairs(lines_of(answer.headers, name)) do reply:add_header(name, line) end
  end
  if answer.body and #answer.body > 0 then reply:set_body(answer.body) end
  txn:done(reply)
end

-- security: nothing else of the client's request reaches forward-auth
local function request_headers(txn)
  local client = txn.http:req_get_headers()
  local headers = {
    ["x-forwarded-for"] = { txn.sf:src() },
    ["x-forwarded-proto"] = { TLS[txn.sf:ssl_fc()] and "https" or "http" },
    ["x-forwarded-host"] = { lines_of(client, "host")[1] or "" },
    ["x-forwarded-uri"] = { txn.sf:pathq() },
    ["x-forwarded-method"] = { txn.sf:method() }
  }
  for _, name in ipairs(FORWARDED_REQUEST_HEADERS) do
    local lines = lines_of(client, name)
    if #lines > 0 then headers[name] = lines end
  end
  local cookies = lines_of(client, "cookie")
  if #cookies > 0 then headers["cookie"] = { table.concat(cookies, "; ") } end
  return headers
end

local function ask(txn)
  local answer = core.httpclient():get{ url = txn:get_var("txn.authgear_url"), headers = request_headers(txn), timeout = TIMEOUT }
  -- security: forward-auth gives a reason with every answer; without one it is HAProxy's own error, or another server's 200
  if not answer or #lines_of(answer.headers or {}, "x-forward-auth-reason") == 0 then return nil end
  return answer
end

-- a replica that was just closing its connections is no outage; one that hangs is not asked again
local function ask_again(txn)
  local started = core.now().sec
  local answer = ask(txn)
  if answer or core.now().sec - started > 1 then return answer end
  core.msleep(100)
  return ask(txn)
end

core.register_action("forward-auth", { "http-req" }, function(txn)
  -- security: an error in here would go on with the next rule
  local ran, answer = pcall(ask_again, txn)
  if not ran or not answer then return down(txn) end
  if answer.status ~= 200 then return refuse(txn, answer) end
  for _, name in ipairs(IDENTITY) do -- security: all of them, also the empty ones
    txn.http:req_del_header(name)
    local value = lines_of(answer.headers, name)[1]
    if value then txn.http:req_set_header(name, value) end
  end
  txn:set_var("txn.authgear_allowed", true)
end, 0)
`
