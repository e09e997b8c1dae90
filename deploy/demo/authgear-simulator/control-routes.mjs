// @ts-check
/** @import { FastifyInstance } from 'fastify' */
/** @import { Controls } from './types.d.mts' */

/**
 * Controls that take names and values only, and so can be turned over HTTP: POST /__simulator/<control> with a JSON
 * list of arguments.
 */
const CALLABLE = new Set([
  'fail',
  'recover',
  'addUser',
  'disable',
  'enable',
  'setAttributes',
  'setGroups',
  'setRoles',
  'setVerified',
  'setOutsideValidity',
  'signIn',
  'signOut',
  'revokeSessions',
  'revoke',
  'deleteClient'
])
const SETTINGS = /** @type {const} */ (['latency', 'sessionLock', 'outage', 'frozenRedisDelay'])

/**
 * The controls for programs in other processes; opened by `control: true` only.
 * @param {FastifyInstance} app
 * @param {import('./resolver.mjs').Parts} parts
 */
export async function controlRoutes (app, { control, counting }) {
  const { controls } = control
  app.get('/counters', () => ({ ...pick(counting.counters) }))
  app.get('/counters/:credential', request => ({ resolutions: counting.counters.of(param(request, 'credential')) }))
  app.delete('/counters', () => { counting.counters.reset(); return {} })
  app.patch('/settings', request => Object.assign(controls, settings(request.body)) && pick(controls, SETTINGS))
  app.post('/hold', () => { controls.hold(); return {} })
  app.post('/release', () => { control.release(); return {} })
  app.get('/arrived/:count', async (request) => {
    await control.gates.before?.arrived(Number(param(request, 'count')))
    return {}
  })
  app.post('/:control', (request, reply) => {
    const name = param(request, 'control')
    if (!CALLABLE.has(name) || !Array.isArray(request.body)) {
      return reply.code(404).send({ error: `no control ${name} with a list of arguments` })
    }
    const turn = /** @type {(...values: unknown[]) => unknown} */ (controls[/** @type {keyof Controls} */ (name)])
    return turn(...request.body) ?? {}
  })
}

/** @param {{ params: unknown }} request @param {string} name @returns {string} */
function param (request, name) {
  return /** @type {Record<string, string>} */ (request.params)[name] ?? ''
}

/** @param {unknown} body */
function settings (body) {
  const known = SETTINGS.filter(name => typeof body === 'object' && body !== null && Object.hasOwn(body, name))
  return pick(/** @type {Record<string, unknown>} */ (body), known)
}

/** @param {object} source @param {readonly string[]} [names] */
function pick (source, names = Object.keys(source)) {
  return Object.fromEntries(names.map(name => [name, /** @type {Record<string, unknown>} */ (source)[name]]))
}
