// @ts-check
import { readFileSync } from 'node:fs'
import { hex } from './audit-log.mjs'

/** @import { Arguments, AuditLog, Entry } from './audit-log.mjs' */
/** @typedef {{ data: object | null, errors?: readonly object[] }} Result */

/** The enum of authgear-server fa7a7d5. @type {readonly string[]} */
const TYPES = JSON.parse(readFileSync(new URL('activity-types.json', import.meta.url), 'utf8'))
/** @type {readonly string[]} */
const FIELDS = ['activityType', 'clientID', 'createdAt', 'data', 'id', 'ipAddress', 'userAgent']

/**
 * Answers what a follower of the audit log asks, in Authgear's words, also where it is asked wrongly; no other field of
 * GraphQL's.
 * @param {string} text @param {Record<string, unknown>} variables @param {AuditLog} log
 * @param {readonly string[]} [hidden] types that this Authgear does not know yet
 * @returns {Result | undefined} undefined where the text is no GraphQL, which is a 500
 */
export function answerQuery (text, variables, log, hidden = []) {
  if (text.trim() === '') return { data: null, errors: [{ message: 'Must provide an operation.', locations: [] }] }
  if (text.split('{').length !== text.split('}').length) return undefined
  const types = TYPES.filter(name => !hidden.includes(name))
  if (/__type\(\s*name:\s*"AuditLogActivityType"/.test(text)) {
    return { data: { __type: { enumValues: types.map((name) => ({ name })) } } }
  }
  const problem = problemOf(text, variables, types)
  if (problem !== undefined) return { data: null, errors: problem }
  const { total, page } = log.query(argumentsOf(text, variables))
  return { data: { auditLogs: connection(text, total, page) } }
}

/** @param {string} text @param {Record<string, unknown>} variables @param {readonly string[]} types */
function problemOf (text, variables, types) {
  const unknown = /node\{([^}]*)\}/.exec(text)?.[1]?.split(/\s+/).find(name => name !== '' && !FIELDS.includes(name))
  if (unknown !== undefined) {
    return [
      {
        message: `Cannot query field "${unknown}" on type "AuditLog".`,
        locations: [{ line: 1, column: text.indexOf(unknown) + 1 }]
      }
    ]
  }
  const inline = argumentsOf(text, {}).activityTypes ?? []
  const at = inline.findIndex(name => !types.includes(name))
  if (at >= 0) {
    return [
      {
        message: `Argument "activityTypes" has invalid value [${inline.join(', ')}].\nIn element #1: Expected type ` +
          `"AuditLogActivityType", found ${inline[at]}.`,
        locations: [{ line: 1, column: text.search(/\[[^\]]*\]/) + 1 }]
      }
    ]
  }
  const wrong = Object.entries(variables).flatMap(([name, value]) => badVariable(text, name, value, types))
  return wrong.length === 0 ? undefined : wrong
}

/** @param {string} text @param {string} name @param {unknown} value @param {readonly string[]} types */
function badVariable (text, name, value, types) {
  const detail = detailOf(name, value, types)
  if (detail === undefined) return []
  const locations = [{ line: 1, column: text.indexOf(`$${name}`) + 1 }]
  return [
    { message: `Variable "$${name}" got invalid value ${JSON.stringify(value)}.\n${detail}`, locations },
    {
      message: 'APIError.ExecutionFinishFunc: runtime error: invalid memory address or nil pointer dereference',
      locations: []
    }
  ]
}

/**
 * An element is always number 1, wherever it stands.
 * @param {string} name
 * @param {unknown} value
 * @param {readonly string[]} types
 */
function detailOf (name, value, types) {
  if (value === null || value === undefined) return undefined
  const found = typeof value === 'number' ? `${value.toExponential().replace(/e\+(\d)$/, 'e+0$1')}` : String(value)
  if (name === 'sortDirection' && value !== 'ASC' && value !== 'DESC') {
    return `Expected type "SortDirection", found "${found}".`
  }
  if (name.startsWith('range') && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(String(value))) {
    return `Expected type "DateTime", found "${found}".`
  }
  if (name !== 'activityTypes' || !Array.isArray(value)) return undefined
  const at = value.findIndex(type => !types.includes(type))
  return at < 0 ? undefined : `In element #1: Expected type "AuditLogActivityType", found "${value[at]}".`
}

/** @param {string} text @param {Record<string, unknown>} variables @returns {Arguments} */
function argumentsOf (text, variables) {
  const list = /auditLogs\(([^)]*)\)/.exec(text)?.[1] ?? ''
  const pairs = [...list.matchAll(/(\w+):\s*(\$\w+|\[[^\]]*\]|"[^"]*"|[\w-]+)/g)].map(([, name = '', value = '']) => [
    name,
    literal(value, variables)
  ])
  return Object.fromEntries(pairs)
}

/** @param {string} value @param {Record<string, unknown>} variables */
function literal (value, variables) {
  if (value.startsWith('$')) return variables[value.slice(1)]
  if (value.startsWith('[')) return value.slice(1, -1).split(',').map(name => name.trim()).filter(name => name !== '')
  if (value.startsWith('"')) return value.slice(1, -1)
  return /^-?\d+$/.test(value) ? Number(value) : value
}

/** @param {string} text @param {number} total @param {readonly Entry[]} page */
function connection (text, total, page) {
  const cursor = (/** @type {number} */ at) => Buffer.from(`offset:${at}`).toString('base64url')
  const asked = (/** @type {string} */ name) => new RegExp(`\\b${name}\\b`).test(text)
  const node = /node\{([^}]*)\}/.exec(text)?.[1] ?? ''
  const edges = page.map((entry, at) => ({
    ...(asked('cursor') ? { cursor: cursor(at) } : {}),
    node: nodeOf(entry, node.split(/\s+/))
  }))
  const first = Number(argumentsOf(text, {}).first ?? NaN)
  const pageInfo = {
    endCursor: page.length === 0 ? '' : cursor(page.length - 1),
    hasNextPage: page.length > 0 && (page.length === first || page.length < total),
    hasPreviousPage: true,
    startCursor: page.length === 0 ? '' : cursor(0)
  }
  return {
    ...(asked('edges') ? { edges } : {}),
    ...(asked('pageInfo') ? { pageInfo } : {}),
    ...(asked('totalCount') ? { totalCount: total } : {})
  }
}

/** @param {Entry} entry @param {readonly string[]} fields */
function nodeOf ({ seq, createdAt, activityType, data }, fields) {
  const all = {
    activityType,
    clientID: '',
    createdAt: new Date(createdAt * 1000).toISOString().replace('.000Z', 'Z'),
    data,
    id: Buffer.from(`AuditLog:${hex(seq)}`).toString('base64url'),
    ipAddress: '127.0.0.1',
    userAgent: ''
  }
  return Object.fromEntries(Object.entries(all).filter(([name]) => fields.includes(name)))
}
