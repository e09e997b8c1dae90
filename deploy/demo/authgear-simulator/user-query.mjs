// @ts-check
import { createTrouble } from './trouble.mjs'

/** @import { AuditFailure, ProfileControls, User } from './types.d.mts' */

const GLOBAL_ID = /^User:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/
const FIELDS = new Set(['id', 'isDisabled', 'isAnonymous', 'standardAttributes', 'formattedName', 'groups'])

/** What a test may change about queries of users. */
export function createUserQueries () {
  const trouble = /** @type {typeof createTrouble<AuditFailure>} */ (createTrouble)()
  /** @type {string[][]} */
  const queries = []

  /** @type {ProfileControls} */
  const controls = { ...trouble.controls, get queries () { return queries } }
  return {
    controls: Object.freeze(controls),
    release: trouble.release,
    /** @param {unknown} ids @param {AbortSignal} signal */
    async arrived (ids, signal) {
      queries.push(Array.isArray(ids) ? ids.map(userIdOf) : [])
      await trouble.pass()
      await trouble.pause(signal)
      return trouble.next()
    }
  }
}

/** @typedef {ReturnType<typeof createUserQueries>} UserQueries */

/** @param {unknown} globalId */
const userIdOf = globalId => GLOBAL_ID.exec(Buffer.from(String(globalId), 'base64url').toString())?.[1] ?? ''

/**
 * Answers `nodes(ids:)` in Authgear's words: a user who is not known is null, and a NUL nulls its neighbours.
 * @param {string} text @param {{ ids?: unknown }} variables @param {Iterable<User>} users
 */
export function answerUserQuery (text, { ids }, users) {
  const fields = (/\{id \.\.\. on User\{(.*)\}\}\}$/.exec(text)?.[1] ?? '').replaceAll(/\{.*\}/g, '').split(' ')
  const unknown = fields.find(name => !FIELDS.has(name))
  if (unknown !== undefined) {
    return { data: null, errors: [{ message: `Cannot query field "${unknown}" on type "User".`, locations: [] }] }
  }
  const asked = Array.isArray(ids) ? ids.map(String) : []
  if (asked.some(id => Buffer.from(id, 'base64url').includes(0))) {
    const errors = asked.map(() => ({ message: 'unexpected error', locations: [] }))
    return { data: { nodes: asked.map(() => null) }, errors }
  }
  const known = new Map(Array.from(users, user => [user.id, user]))
  return { data: { nodes: asked.map(id => nodeOf(id, known.get(userIdOf(id)), fields)) } }
}

/** @param {string} id @param {User | undefined} user @param {readonly string[]} fields */
function nodeOf (id, user, fields) {
  if (user === undefined) return null
  const all = {
    isDisabled: user.disabled || user.outsideValidity,
    isAnonymous: user.anonymous,
    standardAttributes: { ...user.attributes, updated_at: 1795650564 },
    formattedName: user.attributes['name'] ?? null,
    groups: { edges: user.groups.map(key => ({ node: { key } })) }
  }
  return { id, ...Object.fromEntries(Object.entries(all).filter(([name]) => fields.includes(name))) }
}
