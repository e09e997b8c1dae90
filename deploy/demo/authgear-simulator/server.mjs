// @ts-check
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import { createAdminApi } from './admin-api.mjs'
import { send } from './answers.mjs'
import { createAudit, createChronicle } from './audit-controls.mjs'
import { controlRoutes } from './control-routes.mjs'
import { createCookieWriter } from './cookies.mjs'
import { createCounters } from './counters.mjs'
import { createDirectory } from './directory.mjs'
import { createDynamicClients } from './dynamic-clients.mjs'
import { createGrants } from './grants.mjs'
import { createIssuer } from './issuer.mjs'
import { createConsents } from './consents.mjs'
import { createControls } from './controls.mjs'
import { loginRoutes } from './login-routes.mjs'
import { oauthRoutes, readBrowser } from './oauth-routes.mjs'
import { answerToOther } from './other-methods.mjs'
import { publicRoutes } from './public-routes.mjs'
import { createResolver } from './resolver.mjs'
import { createTokenFaults } from './token-faults.mjs'
import { tokenRoutes } from './token-routes.mjs'
import { createUserQueries } from './user-query.mjs'
import { createUserinfo, userinfoRoutes } from './userinfo.mjs'
import { createWebhooks } from './webhooks.mjs'
import { createGoLikeServer } from './wire.mjs'

/** @import { Socket } from 'node:net' */
/** @import { Simulator, SimulatorOptions, UserEntry } from './types.d.mts' */

/** @param {SimulatorOptions} [options] @returns {Simulator} */
export function buildSimulator (options = {}) {
  const { now = Date.now } = options
  const grants = createGrants(now)
  const directory = createDirectory(options.users ?? demoUsers(), grants, now)
  const audit = createAudit()
  const userQueries = createUserQueries()
  const tell = createWebhooks(options.webhook)
  const chronicle = createChronicle({ append: event => { audit.log.append(event); tell(event) } })
  const dynamicClients = createDynamicClients(options, chronicle)
  const signIns = {
    grants,
    issuer: createIssuer(now),
    tokenFaults: createTokenFaults(now),
    chronicle,
    dynamicClients,
    signInCodes: new Map(),
    askedAgain: new Map(),
    consents: createConsents(),
    userinfo: createUserinfo(now),
    now
  }
  const control = createControls(directory, audit, userQueries, signIns)
  const counting = createCounters()
  const cookies = createCookieWriter(options)
  const closing = new AbortController()
  const clients = () => [...options.clients ?? [], ...dynamicClients.list()]
  const browser = readBrowser({ options, directory })
  const tokens = { clients, browser }
  const own = { options, directory, control, counting, cookies, audit, userQueries }
  const parts = { ...own, closing: closing.signal, ...tokens, ...signIns }
  const resolve = createResolver(parts)
  const administrate = createAdminApi(parts)
  /** @type {Set<Socket>} */
  const sockets = new Set()

  const app = Fastify({
    // the resolver and the Admin API are answered below Fastify, byte by byte as Go does; pages and controls are
    // Fastify's
    serverFactory: handler => {
      const server = createGoLikeServer((request, response) => {
        if (!resolve(request, response) && !administrate(request, response)) handler(request, response)
      }, options.tls)
      return server.on('connection', socket => watch(socket, sockets, counting.connected))
    }
  })
  const isOpen = options.clients !== undefined || options.resources !== undefined
  app.setNotFoundHandler((request, reply) => { reply.hijack(); send(reply.raw, answerToOther(request, isOpen)) })
  app.register(loginRoutes, parts)
  if (isOpen) {
    app.register(oauthRoutes, parts)
    app.register(publicRoutes, parts)
    app.register(userinfoRoutes, parts)
    app.register(tokenRoutes, parts)
  }
  if (options.control) app.register(controlRoutes, { prefix: '/__simulator', ...parts })
  app.addHook('preClose', async () => {
    closing.abort()
    control.release()
    for (const socket of sockets) socket.destroy()
  })

  return Object.freeze({
    app,
    controls: control.controls,
    counters: counting.counters,
    listen: ({ host = '127.0.0.1', port = 0 } = {}) => app.listen({ host, port }),
    close: async () => { await app.close() }
  })
}

/** @param {Socket} socket @param {Set<Socket>} sockets @param {() => void} connected */
function watch (socket, sockets, connected) {
  connected()
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
}

/** @returns {UserEntry[]} */
function demoUsers () {
  return JSON.parse(readFileSync(new URL('users.json', import.meta.url), 'utf8')).users
}
