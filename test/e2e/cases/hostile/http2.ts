import { HOST } from '../../../helpers/request.ts'
import { http2, type Spelling } from './spelling.ts'

const path = (target: string, fate: '400' | 'either'): Spelling => http2(`\`${target}\``, { path: target, fate })

/** The same over HTTP/2, where a proxy has it on the listener that we configure. */
export const overHttp2: readonly Spelling[] = [
  http2('`upgrade: h2c`', { fields: [['connection', 'upgrade'], ['upgrade', 'h2c']] }),
  http2('`upgrade: h2c`, then `websocket`', {
    fields: [['connection', 'upgrade'], ['upgrade', 'h2c'], ['upgrade', 'websocket']]
  }),
  http2('`connection: x-authgear-user-id`', { fields: [['connection', 'x-authgear-user-id']] }),
  http2('`te: trailers`', { fields: [['te', 'trailers']] }),
  http2('`te: gzip, trailers`', { fields: [['te', 'gzip, trailers']] }),
  http2('`transfer-encoding: chunked`', { fields: [['transfer-encoding', 'chunked']] }),
  http2('`trailer: x-authgear-user-id`', { fields: [['trailer', 'x-authgear-user-id']] }),
  http2('`CONNECT` for a WebSocket (RFC 8441)', { method: 'CONNECT', fields: [[':protocol', 'websocket']] }),
  http2('another `host` than `:authority`', { fields: [['host', 'evil.example']] }),
  http2('another host in `:authority`', { authority: 'evil.example', fields: [['host', HOST]], fate: 'refused' }),
  http2('`:authority: app.example.com:80@evil.example`', { authority: `${HOST}:80@evil.example`, fate: 'refused' }),
  http2('`:authority: evil.example, app.example.com`', { authority: `evil.example, ${HOST}`, fate: 'refused' }),
  http2('`:authority: evil.example@app.example.com`', { authority: `evil.example@${HOST}`, fate: 'refused' }),
  http2('`:path: http://app.example.com/admin`', { path: `http://${HOST}/admin` }),
  http2('`X-Authgear-User-Id` in capitals', { fields: [['X-Authgear-User-Id', 'the-ceo']] }),
  http2('`x_authgear_user_id`', { fields: [['x_authgear_user_id', 'the-ceo'], ['x_authgear_user_roles', 'admin']] }),
  http2('`x.authgear.user.id`', { fields: [['x.authgear.user.id', 'the-ceo'], ['x.authgear.user.roles', 'admin']] }),
  http2('a line break in a value', { fields: [['x-other', 'a\r\nx-authgear-user-id: the-ceo']] }),
  http2('a second `:path`', { fields: [[':path', '/admin']] }),
  path('/;/admin', '400'),
  path('/x/..;/admin', '400'),
  path('/x/%2e%2e;/admin', '400'),
  path('/.;/admin', '400'),
  path('/x/..%3b/admin', '400'),
  path('/public/..;/admin', '400'),
  path('/x/../admin', 'either'),
  path('//admin', 'either'),
  path('/x/..%2fadmin', 'either'),
  path('/public/%2e%2e/admin', 'either')
]
