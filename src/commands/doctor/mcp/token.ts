import { randomBytes } from 'node:crypto'
import { isString, listOf, objectOf } from '../../../base/core/json.ts'
import { SEE_ABOVE } from '../check.ts'
import type { Reply } from './ask.ts'
import { call, type Called, disguises, messageIn, obeys, oldToolCall, toolCall } from './calls.ts'
import type { Given, McpFound, Seen, Step } from './step.ts'

const TOKEN = /^[\w.~+/=-]{1,16384}$/

/** With the pasted token, which goes to the URL alone; without TLS no step comes here. */
export const ownToken: Step = {
  title: 'with a token, a list of tools arrives',
  needs: 'stranger',
  async run ({ url, token, ask }) {
    if (token === undefined) return { skipped: 'a token is needed: --token-stdin' }
    if (!TOKEN.test(token)) return { findings: [['mcp-token', 'what was pasted is not a token']] }
    const reply = await ask(url, call('tools/list', { token }))
    return reply.kind === 'silence'
      ? { findings: [['mcp-fails', `${url} does not answer with the token: ${reply.what}`]] }
      : judgeList(url, reply)
  }
}

function judgeList (url: string, reply: Reply): Seen {
  const { status } = reply
  const message = messageIn(reply)
  if (status === 401 || /insufficient_scope/.test(reply.header('www-authenticate') ?? '')) {
    return { findings: [['mcp-token', `${url} answers ${status} to the pasted token`]] }
  }
  if (message?.code === -32020) {
    return { findings: [['mcp-headers-lost', 'the server answers -32020: headers and body of a list of tools differ']] }
  }
  if (status === 403) {
    return { findings: [['mcp-headers-lost', 'a list of tools is refused (403), which every rule by tool allows']] }
  }
  if (message === undefined) {
    const id = status === 404 || status === 405 || status === 421 ? 'mcp-path' : 'mcp-fails'
    return { findings: [[id, `${url} answers ${status} to a list of tools`]] }
  }
  return { learnt: { list: { error: message.code, tool: toolIn(message.result) } } }
}

function toolIn (result: unknown): string | undefined {
  const [tool] = listOf(objectOf(result)?.['tools'])
  const name = objectOf(tool)?.['name']
  // it goes into a header, as it is
  return isString(name) && /^[\w./-]{1,128}$/.test(name) ? name : undefined
}

/** Calls a tool that does not exist, by its name and in disguise: nothing is executed. */
export const disguisedCalls: Step = {
  title: 'no call reaches a tool that its headers do not name',
  needs: 'stranger',
  async run (given, { list }) {
    if (given.token === undefined) return { skipped: 'not checked without a token: --token-stdin' }
    if (list === undefined) return { skipped: SEE_ABOVE }
    const name = `doctor-${randomBytes(8).toString('hex')}`
    const honest = await callBy(given, toolCall(name, given))
    if (honest.code === -32020) {
      return { findings: [['mcp-headers-lost', 'the server answers -32020: headers and body of a call differ']] }
    }
    const isRuled = honest.isRefused || (await callBy(given, oldToolCall(name, given))).isRefused
    const obeyed = await tryDisguises(given, name, list.tool)
    const what = `the server goes by the body of a call with ${obeyed.join('; with ')}`
    if (!isRuled) return obeyed.length === 0 ? {} : { notes: [`${what}. No rule by tool is on this route`] }
    return { findings: [...unspoken(list.error), ...obeyed.length === 0 ? [] : [['mcp-obeys-body', what]] as const] }
  }
}

const unspoken = (error: number | undefined): readonly McpFound[] => error === undefined
  ? []
  : [['mcp-revision', `a rule by tool is on this route, and the server answers ${error} to a list of tools of 2026-07-28`]]

/** `isRefused`: before the server, as a rule by tool refuses a name, or an older revision. */
type Answered = Readonly<{ code: number | undefined, isRefused: boolean }>

async function callBy ({ url, ask }: Given, called: Called): Promise<Answered> {
  const reply = await ask(url, called)
  const message = reply.kind === 'reply' ? messageIn(reply) : undefined
  return { code: message?.code, isRefused: reply.kind === 'reply' && reply.status === 403 && message === undefined }
}

async function tryDisguises (given: Given, name: string, tool: string | undefined): Promise<readonly string[]> {
  const obeyed: string[] = []
  for (const disguise of disguises(name, tool, given)) {
    const reply = await given.ask(given.url, disguise.called)
    if (reply.kind === 'reply' && obeys(reply, name, disguise)) obeyed.push(disguise.what)
  }
  return obeyed
}
