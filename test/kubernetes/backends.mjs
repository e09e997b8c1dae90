// An app that says what reached it, and an Authgear that knows two sessions. Usage: backends.mjs ADDRESS APP_PORT
// RESOLVER_PORT
import { createServer } from 'node:http'

const [, , address, appPort, resolverPort] = process.argv
const ROLES = { user: '', admin: 'admin' }

createServer((request, response) => {
  response.end(JSON.stringify({ app: true, user: request.headers['x-authgear-user-id'] }))
}).listen(Number(appPort), address)

createServer((request, response) => {
  const user = /session=(\w+)/.exec(request.headers.cookie ?? '')?.[1] ?? ''
  const known = Object.hasOwn(ROLES, user)
  response.writeHead(200, known
    ? {
        'x-authgear-session-valid': 'true',
        'x-authgear-user-id': user,
        'x-authgear-user-anonymous': 'false',
        'x-authgear-user-verified': 'true',
        'x-authgear-user-roles': ROLES[user]
      }
    : { 'x-authgear-session-valid': 'false' })
  response.end()
}).listen(Number(resolverPort), address)
