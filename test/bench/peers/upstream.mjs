// What every service of the bench asks, on the load generator's core: Authgear's resolver, an introspection endpoint, a
// session endpoint and an OpenID provider. It counts what it is asked. Usage: node upstream.mjs PORT
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { SESSION, TOKEN } from '../lib.mjs'
import { handlers } from '../servers.mjs'

const USER = 'a11ce000-0000-4000-8000-000000000001'
const LIFE = 3600
const port = Number(process.argv[2])
const issuer = `http://127.0.0.1:${port}`
const { privateKey, publicKey } = await generateKeyPair('RS256')
const codes = new Map()
let questions = 0
/** The user was disabled: nothing that it once gave out is valid any more. */
let isDisabled = false

const now = () => Math.floor(Date.now() / 1000)
const json = (response, body, status = 200) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const routes = {
  '/_resolver/resolve': (request, response) => handlers.resolver(isDisabled ? { headers: {} } : request, response),
  '/introspect': async (request, response) => {
    const active = new URLSearchParams(await text(request)).get('token') === TOKEN && !isDisabled
    json(response, active ? { active, sub: USER, iat: now(), exp: now() + LIFE } : { active })
  },
  '/session': (request, response) => {
    const isValid = request.headers.cookie === `session=${SESSION}` && !isDisabled
    json(response, isValid ? { subject: USER } : {}, isValid ? 200 : 401)
  },
  '/.well-known/openid-configuration': (_request, response) => json(response, {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256']
  }),
  '/jwks': async (_request, response) => {
    json(response, { keys: [{ ...await exportJWK(publicKey), kid: 'bench', alg: 'RS256', use: 'sig' }] })
  },
  '/authorize': authorize,
  '/token': async (request, response) => {
    const nonce = codes.get(new URLSearchParams(await text(request)).get('code'))
    const id = await idToken({ nonce })
    json(response, { access_token: randomUUID(), token_type: 'Bearer', expires_in: LIFE, id_token: id })
  },
  '/disable': (_request, response) => { isDisabled = true; response.end() },
  '/id-token': async (_request, response) => response.end(await idToken({}))
}

function notFound (_request, response) { response.writeHead(404).end() }

/** Everybody is signed in already. */
function authorize ({ url }, response) {
  const query = new URL(url, issuer).searchParams
  const code = randomUUID()
  codes.set(code, query.get('nonce') ?? undefined)
  const back = new URL(query.get('redirect_uri'))
  back.search = new URLSearchParams({ code, state: query.get('state') })
  response.writeHead(302, { location: back.href }).end()
}

async function idToken (claims) {
  return await new SignJWT({ email: 'alice@example.com', email_verified: true, ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: 'bench' })
    .setIssuer(issuer).setAudience('app').setSubject(USER).setIssuedAt().setExpirationTime(`${LIFE} s`)
    .sign(privateKey)
}

createServer((request, response) => {
  const path = request.url.split('?', 1)[0]
  if (path === '/questions') return response.end(String(questions))
  questions++
  const route = routes[path] ?? notFound
  route(request, response)
}).listen(port, '127.0.0.1')
