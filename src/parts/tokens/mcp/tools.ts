import { randomBytes } from 'node:crypto'
import { isString, listOf, objectOf } from '../../../base/core/json.ts'
import type { Asked, At, Posted } from '../../../base/parts/findings.ts'
import { call, disguises, messageIn, obeys, oldToolCall, toolCall } from './calls.ts'
import type { McpFound } from './findings.ts'

type Given = Readonly<{ url: string, token: string, post: At['post'] }>
const TOKEN = /^[\w.~+/=-]{1,16384}$/

/** Calls a tool that does not exist, by its name and in disguise: nothing is executed. */
export async function checkTools (given: Given): Promise<readonly McpFound[]> {
  const { url, token, post } = given
  if (!TOKEN.test(token)) return [['mcp-token', 'what was pasted is not a token']]
  const reply = await post(url, call('tools/list', token))
  const problem = judgeList(url, reply)
  if (problem !== undefined || reply.kind !== 'answered') return problem === undefined ? [] : [problem]
  const name = `doctor-${randomBytes(8).toString('hex')}`
  const honest = await callBy(given, toolCall(name, token))
  if (honest.code === -32020) {
    return [['mcp-headers-lost', 'the server answers -32020: headers and body of a call differ']]
  }
  const isRuled = honest.isRefused || (await callBy(given, oldToolCall(name, token))).isRefused
  if (!isRuled) return []
  const { code, result } = messageIn(reply) ?? {}
  const obeyed = await tryDisguises(given, name, toolIn(result))
  return [
    ...code === undefined ? [] : [['mcp-revision', `the server answers ${code} to a list of tools of 2026-07-28`] as const],
    ...obeyed.length === 0 ? [] : [['mcp-obeys-body', `the server goes by the body of a call with ${obeyed.join('; with ')}`] as const]
  ]
}

/** @returns undefined for an answer of the server */
function judgeList (url: string, reply: Asked): McpFound | undefined {
  if (reply.kind !== 'answered') return ['mcp-fails', `${url}, with the token: ${reply.what}`]
  const { status, challenges = [] } = reply
  const message = messageIn(reply)
  if (status === 401 || challenges.join().includes('insufficient_scope')) {
    return ['mcp-token', `${url} answers ${status} to the pasted token`]
  }
  if (message?.code === -32020) {
    return ['mcp-headers-lost', 'the server answers -32020: headers and body of a list of tools differ']
  }
  if (status === 403) return ['mcp-headers-lost', 'a list of tools is refused (403), which every rule by tool allows']
  if (message !== undefined) return undefined
  return [[404, 405, 421].includes(status) ? 'mcp-path' : 'mcp-fails', `${url} answers ${status} to a list of tools`]
}

function toolIn (result: unknown): string | undefined {
  const [tool] = listOf(objectOf(result)?.['tools'])
  const name = objectOf(tool)?.['name']
  // it goes into a header, as it is
  return isString(name) && /^[\w./-]{1,128}$/.test(name) ? name : undefined
}

/** `isRefused`: before the server, as a rule by tool refuses a name, or an older revision. */
type Answered = Readonly<{ code: number | undefined, isRefused: boolean }>

async function callBy ({ url, post }: Given, called: Posted): Promise<Answered> {
  const reply = await post(url, called)
  const message = reply.kind === 'answered' ? messageIn(reply) : undefined
  return { code: message?.code, isRefused: reply.kind === 'answered' && reply.status === 403 && message === undefined }
}

async function tryDisguises ({ url, token, post }: Given, name: string, tool: string | undefined) {
  const obeyed: string[] = []
  for (const disguise of disguises(name, tool, token)) {
    const reply = await post(url, disguise.called)
    if (reply.kind === 'answered' && obeys(reply, name, disguise)) obeyed.push(disguise.what)
  }
  return obeyed
}
