import { HOST } from '../../../helpers/request.ts'
import { http1, type Parts, type Spelling } from './spelling.ts'

/** What a client of HTTP/2 without TLS sends beside `Upgrade: h2c`. */
const SETTINGS = 'HTTP2-Settings: AAMAAABkAAQAAP__'
const KEY = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==']

/** A request to become something else than HTTP/1.1. */
export const upgrade = (name: string, values: readonly string[], more: Parts = {}): Spelling =>
  http1(name, {
    ...more,
    lines: [
      'Connection: Upgrade, HTTP2-Settings', ...values.map((value) => `Upgrade: ${value}`), SETTINGS, ...KEY,
      ...(more.lines ?? [])
    ]
  })

const PREFLIGHT = ['Origin: https://www.example.com', 'Access-Control-Request-Method: POST']

/** The Upgrade values that take an app server from HTTP/1.1 to something else. */
const upgrades: readonly Spelling[] = [
  upgrade('`Upgrade: h2c`', ['h2c']),
  upgrade('`Upgrade: H2C`', ['H2C']),
  upgrade('`Upgrade: h2c`, then `Upgrade: websocket`', ['h2c', 'websocket']),
  upgrade('`Upgrade: websocket`, then `Upgrade: h2c`', ['websocket', 'h2c']),
  upgrade('`Upgrade: websocket, h2c`', ['websocket, h2c']),
  upgrade('`Upgrade: h2c, websocket`', ['h2c, websocket']),
  upgrade('`Upgrade: websocket,h2c` with blanks and a tab', ['  websocket\t,\th2c ']),
  upgrade('`Upgrade: h2c/websocket`', ['h2c/websocket']),
  upgrade('`Upgrade: websocket/h2c`', ['websocket/h2c']),
  upgrade('`Upgrade: TLS/1.3, websocket`', ['TLS/1.3, websocket']),
  upgrade('`Upgrade: TLS/1.0`', ['TLS/1.0']),
  upgrade('`Upgrade: TLS/1.3`, then `Upgrade: websocket`', ['TLS/1.3', 'websocket']),
  upgrade('`Upgrade: websocket;h2c`', ['websocket;h2c']),
  upgrade('`Upgrade: "h2c"`', ['"h2c"']),
  upgrade('`Upgrade: h2c` three times, `websocket` between them', ['h2c', 'websocket', 'h2c', 'h2c']),
  upgrade('`Upgrade: websocket`, then an empty one, then `h2c`', ['websocket', '', 'h2c']),
  upgrade('`Upgrade:` folded into two lines, `websocket` and `h2c`', ['websocket\r\n h2c']),
  upgrade('`Upgrade:` folded into two lines, `,` and `h2c`', [',\r\n\th2c']),
  http1('`Upgrade : h2c`, a blank before the colon', {
    lines: ['Connection: Upgrade, HTTP2-Settings', 'Upgrade : h2c', SETTINGS]
  }),
  http1('`Upgrade: h2c` in two Connection lines', {
    lines: ['Connection: Upgrade', 'Connection: HTTP2-Settings', 'Upgrade: h2c', SETTINGS]
  }),
  http1('`Upgrade: h2c` that Connection does not name', { lines: ['Upgrade: h2c', SETTINGS] }),
  http1('`Upgrade: h2c` and `Connection: keep-alive`', { lines: ['Connection: keep-alive', 'Upgrade: h2c', SETTINGS] }),
  upgrade('`Upgrade: h2c` on a public path', ['h2c'], { target: '/public/page' }),
  upgrade('`Upgrade: h2c`, then `websocket`, on a public path', ['h2c', 'websocket'], { target: '/public/page' }),
  upgrade('`Upgrade: websocket`, then `h2c`, on a public path', ['websocket', 'h2c'], { target: '/public/page' }),
  upgrade('`Upgrade: websocket, h2c` on a public path', ['websocket, h2c'], { target: '/public/page' }),
  upgrade('`Upgrade: h2c` with a preflight', ['h2c'], { method: 'OPTIONS', lines: PREFLIGHT }),
  upgrade('`Upgrade: websocket`, then `h2c`, with a preflight', ['websocket', 'h2c'], {
    method: 'OPTIONS', lines: PREFLIGHT
  }),
  upgrade('`Upgrade: h2c`, then `websocket`, on the way to log in', ['h2c', 'websocket'], { target: '/_auth/login' }),
  upgrade('`Upgrade: h2c` with a POST and its body', ['h2c'], {
    method: 'POST', lines: ['Content-Length: 4'], body: 'body'
  }),
  upgrade('`Upgrade: h2c` over HTTP/1.0', ['h2c'], { version: '1.0' }),
  upgrade('`Upgrade: websocket`', ['websocket'], { webSocket: true }),
  upgrade('`Upgrade: WebSocket`', ['WebSocket'], { webSocket: true }),
  upgrade('`Upgrade: websocket` on a public path', ['websocket'], { target: '/public/page', webSocket: true }),
  http1('`Upgrade: websocket` and `Connection: upgrade, X-Authgear-User-Id, Cookie`', {
    lines: ['Connection: upgrade, X-Authgear-User-Id, Cookie', 'Upgrade: websocket', ...KEY], webSocket: true
  })
]

/** Headers for one hop only, and what a client may name in Connection. */
const hops: readonly Spelling[] = [
  ['`Connection: X-Authgear-User-Id`', 'Connection: close, X-Authgear-User-Id'],
  ['`Connection: Host`', 'Connection: keep-alive, Host'],
  ['`Connection: Cookie, Authorization`', 'Connection: Cookie, Authorization, X-Authgear-Session-Valid'],
  [
    '`Connection: X-Authgear-User-Roles` in lower case, twice', 'Connection: x-authgear-user-roles',
    'Connection: x-authgear-user-id'
  ],
  ['`Keep-Alive`', 'Connection: Keep-Alive', 'Keep-Alive: timeout=600, max=1000'],
  ['`Proxy-Connection: Upgrade`', 'Proxy-Connection: Upgrade', 'Upgrade: h2c'],
  ['`Proxy-Authorization`', 'Proxy-Authorization: Basic dGhlLWNlbzo='],
  ['`TE: trailers`', 'Connection: TE', 'TE: trailers'],
  ['`TE: gzip, trailers;q=0.5`', 'Connection: TE', 'TE: gzip, trailers;q=0.5'],
  ['`TE` that Connection does not name', 'TE: trailers, deflate'],
  ['`Trailer: X-Authgear-User-Id` without a body', 'Trailer: X-Authgear-User-Id']
].map(([name = '', ...lines]) => http1(name, { lines }))

/** A second request that hides in the first one's body. */
const HIDDEN = `GET /admin HTTP/1.1\r\nHost: ${HOST}\r\nX-Authgear-User-Id: the-ceo\r\nX-Authgear-User-Roles: ` +
  'admin\r\nConnection: close\r\n\r\n'
const hex = HIDDEN.length.toString(16)
const CHUNKED = `${hex}\r\n${HIDDEN}\r\n0\r\n\r\n`
const hidden = (name: string, lines: readonly string[], body = `0\r\n\r\n${HIDDEN}`): Spelling =>
  http1(name, { method: 'POST', lines, body })

/** Where a body ends. */
const bodies: readonly Spelling[] = [
  hidden('identity in the trailers of a body', ['Transfer-Encoding: chunked', 'Trailer: X-Authgear-User-Id'],
    '4\r\nbody\r\n0\r\nX-Authgear-User-Id: the-ceo\r\nX-Authgear-User-Roles: admin\r\n\r\n'),
  hidden('`Transfer-Encoding: chunked` beside `Content-Length`', [
    `Content-Length: ${5 + HIDDEN.length}`, 'Transfer-Encoding: chunked'
  ]),
  hidden('`Content-Length: 5` beside `Transfer-Encoding: chunked`',
    ['Transfer-Encoding: chunked', 'Content-Length: 5'], CHUNKED),
  hidden('`Transfer-Encoding: xchunked`', [`Content-Length: ${5 + HIDDEN.length}`, 'Transfer-Encoding: xchunked']),
  hidden('`Transfer-Encoding : chunked`, a blank before the colon', [
    `Content-Length: ${5 + HIDDEN.length}`, 'Transfer-Encoding : chunked'
  ]),
  hidden('`Transfer-Encoding:` folded', [`Content-Length: ${5 + HIDDEN.length}`, 'Transfer-Encoding:\r\n chunked']),
  hidden('`Transfer-Encoding: chunked` twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], CHUNKED),
  hidden('`Transfer-Encoding: chunked, identity`',
    ['Transfer-Encoding: chunked, identity', `Content-Length: ${CHUNKED.length}`], CHUNKED),
  hidden('`Transfer_Encoding: chunked`', [`Content-Length: ${5 + HIDDEN.length}`, 'Transfer_Encoding: chunked']),
  hidden('two different `Content-Length`', ['Content-Length: 5', `Content-Length: ${5 + HIDDEN.length}`]),
  hidden('`Content-Length: +5`', ['Content-Length: +5'])
]

const host = (name: string, ...lines: readonly string[]): Spelling =>
  http1(name, { host: lines.map((value) => `Host: ${value}`), fate: 'refused' })

/** Host names that are not exactly the configured one. */
const hosts: readonly Spelling[] = [
  host('`Host: app.example.com:80@evil.example`', `${HOST}:80@evil.example`),
  host('`Host: evil.example, app.example.com`', `evil.example, ${HOST}`),
  host('`Host: app.example.com, evil.example`', `${HOST}, evil.example`),
  host('`Host: evil.example@app.example.com`', `evil.example@${HOST}`),
  host('`Host: app.example.com:evil`', `${HOST}:evil`),
  host('`Host: app.example.com:80:80`', `${HOST}:80:80`),
  host('`Host: app.example.com/evil.example`', `${HOST}/evil.example`),
  host('`Host: app.example.com evil.example`', `${HOST} evil.example`),
  host('`Host: app.example.com.evil.example`', `${HOST}.evil.example`),
  host('two different `Host` lines', HOST, 'evil.example'),
  host('two different `Host` lines, the other way round', 'evil.example', HOST),
  host('no `Host`'),
  http1('`Host : app.example.com`, a blank before the colon', {
    host: [`Host : ${HOST}`, 'Host: evil.example'], fate: 'refused'
  }),
  http1('`Host: APP.example.com:8080`', { host: ['Host: APP.example.com:8080'] })
]

const path = (target: string): Spelling => http1(`\`${target}\``, { target, fate: '400' })

/** Segments that servlet containers read as empty, "." or "..". */
const parameters: readonly Spelling[] = [
  '/;/admin', '/;x=1/admin', '/x/..;/admin', '/x/..;a=b/admin', '/.;/admin', '/x/%2e%2e;/admin', '/x/%2E%2e;/admin',
  '/x/.%2e;/admin', '/x/%2e.;/admin', '/%2e;/admin', '/%3b/admin', '/%3B/admin', '/.%3b/admin', '/x/..%3b/admin',
  '/x/%2e%2e%3b/admin', '/x/%2e%2e%3Bx/admin', '/x/;/..;/admin', '/x;/..;/admin', '/;', '/x/..;', '/%3b%2fadmin',
  '/public/..;/admin', '/public/%2e%2e;/admin', '/public/..%3b/admin', '/_auth/..;/admin', '/_auth/login/..;/..;/admin'
].map(path)

/** Other ways to write /admin, each of which is refused or judged as what the app gets. */
const dots: readonly Spelling[] = [
  '/x/.;/../admin', '/public/;/../admin', '/x/../admin', '//admin', '/./admin', '/x/%2e%2e/admin', '/x/%2E./admin',
  '/admin/../admin', '/%61dmin', '/ADMIN', '/admin;x', '/admin;/x', '/admin%3bx', '/x/..%2fadmin', '/x/..%5cadmin',
  '/x\\..\\admin', '/admin%00', '/admin#', '/public/../admin', '/public/%2e%2e/admin', '/public/..%2fadmin',
  '/public//../admin', '/x/%252e%252e/admin', '/x/..%c0%afadmin', '/?/../admin', '*',
  '/admin.', '/admin./x', '/admin%20', '/admin=x', '/administration', '/admin.html', '/admin-x.html',
  '/admin-x/../admin'
].map((target) => http1(`\`${target}\``, { target }))

const absolute = (target: string, to = HOST, parts: Parts = {}): Spelling =>
  http1(`\`${target}\` to \`${to}\``, { target, host: [`Host: ${to}`], ...parts })

/** Targets with a host name of their own. */
const targets: readonly Spelling[] = [
  absolute(`http://${HOST}/admin`),
  absolute(`http://${HOST}/x/../admin`),
  absolute(`http://${HOST}/;/admin`, HOST, { fate: '400' }),
  absolute(`http://${HOST}/x/..;/admin`, HOST, { fate: '400' }),
  absolute('http://evil.example/page', HOST, { fate: 'refused' }),
  absolute(`http://${HOST}/page`, 'evil.example'),
  absolute(`http://evil.example@${HOST}/page`),
  absolute(`http://${HOST}:80@evil.example/page`, HOST, { fate: 'refused' }),
  absolute(`http://${HOST}/public/../admin`),
  absolute(`http://${HOST}`),
  http1('`CONNECT app.example.com:80`', { method: 'CONNECT', target: `${HOST}:80` })
]

/** Names that an app may take for ours. */
const aliases: readonly Spelling[] = [
  ['`X_Authgear_User_Id`', 'X_Authgear_User_Id: the-ceo', 'X_Authgear_User_Roles: admin'],
  ['`X-Authgear-User_Id`', 'X-Authgear-User_Id: the-ceo', 'X-Authgear-User_Roles: admin'],
  ['`X.Authgear.User.Id`', 'X.Authgear.User.Id: the-ceo', 'X.Authgear.User.Roles: admin'],
  ['`X-Authgear-User.Id`', 'X-Authgear-User.Id: the-ceo', 'X-Authgear-User.Roles: admin'],
  ['`x-AUTHGEAR-user-ID`', 'x-AUTHGEAR-user-ID: the-ceo', 'X-AUTHGEAR-USER-ROLES: admin'],
  ['`X-Authgear-User-Id :`, a blank before the colon', 'X-Authgear-User-Id : the-ceo', 'X-Authgear-User-Roles : admin'],
  ['`X-Authgear-User-Id` folded', 'X-Authgear-User-Id:\r\n the-ceo', 'X-Authgear-User-Roles:\r\n\tadmin'],
  ['`X-Authgear-User-Id` folded behind another header', 'X-Other: a\r\n X-Authgear-User-Id: the-ceo'],
  ['`X-Authgear-User-Id` forty times', ...Array.from({ length: 40 }, () => 'X-Authgear-User-Id: the-ceo')],
  ['`X-Authgear-User-Id` behind a bare LF', 'X-Other: a\nX-Authgear-User-Id: the-ceo'],
  ['`X-Authgear-User-Id` behind a bare CR', 'X-Other: a\rX-Authgear-User-Id: the-ceo'],
  [
    '`X-Forward-Auth-Policy`, `X-Original-Url`, `X-Rewrite-Url`', 'X-Forward-Auth-Policy: optional=1',
    'X-Original-Url: /admin', 'X-Rewrite-Url: /admin', 'X-Forwarded-Uri: /public/'
  ],
  ['`X-HTTP-Method-Override: OPTIONS`', 'X-HTTP-Method-Override: OPTIONS', ...PREFLIGHT]
].map(([name = '', ...lines]) => http1(name, { lines }))

export const overHttp1: readonly Spelling[] = [
  ...upgrades, ...hops, ...bodies, ...hosts, ...parameters, ...dots, ...targets, ...aliases
]
