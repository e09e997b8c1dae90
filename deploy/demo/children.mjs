// @ts-check
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { waitFor } from './ports.mjs'

/** @import { ChildProcess } from 'node:child_process' */
/**
 * @typedef {{ name: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd?: string, ready: ()
 * => Promise<boolean> }} Program
 */
/** @typedef {{ program: Program, process: ChildProcess, ended: Promise<string>, output: string[] }} Child */

const SETPRIV = '/usr/bin/setpriv'
const KEPT_LINES = 15
const STOP_DEADLINE_MS = 12_000

/** Only what programs need to run: a REDIS_URL or AUTHGEAR_… of the person's own shell is not the demo's. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'SystemRoot', 'NODE_EXTRA_CA_CERTS', 'NODE_V8_COVERAGE']

/**
 * The programs of the demo. When one of them ends by itself, `onDeath` is told, once.
 * @param {{ verbose: boolean, onDeath: (message: string) => void }} options
 */
export function createChildren ({ verbose, onDeath }) {
  /** @type {Child[]} */
  const children = []
  const stopping = new AbortController()

  /** Resolves when it is ready; rejects with what it printed when it ends before. @param {Program} program */
  async function start (program) {
    stopping.signal.throwIfAborted()
    const child = launch(program, verbose)
    children.push(child)
    const starting = new AbortController()
    const given = AbortSignal.any([stopping.signal, starting.signal])
    child.ended.then(() => starting.abort())
    await waitFor(program.name, program.ready, given).catch(error => {
      throw starting.signal.aborted ? new Error(`${program.name} ended at its start:\n${tail(child)}`) : error
    })
    child.ended.then((how) => {
      if (!stopping.signal.aborted) onDeath(`${program.name} ended unexpectedly (${how}):\n${tail(child)}`)
    })
  }

  /** The last started ends first, as nobody asks it any more. */
  async function stopAll () {
    stopping.abort()
    for (const child of children.splice(0).reverse()) await stop(child)
  }

  const killAll = () => { for (const { process } of children) process.kill('SIGKILL') }
  return Object.freeze({ start, stopAll, killAll })
}

/** @param {Program} program @param {boolean} verbose @returns {Child} */
function launch (program, verbose) {
  // with setpriv the kernel ends the child when the demo dies, however it dies
  const tied = existsSync(SETPRIV)
  const [command, args] = tied
    ? [SETPRIV, ['--pdeathsig', 'KILL', program.command, ...program.args]]
    : [program.command, program.args]
  const inherited = Object.fromEntries(INHERITED.map(name => [name, process.env[name]]))
  const child = spawn(command, args, {
    env: { ...inherited, ...program.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // a process group of its own: Ctrl-C reaches the demo alone, which then ends the rest in order
    detached: true,
    ...(program.cwd === undefined ? {} : { cwd: program.cwd })
  })
  /** @type {Promise<string>} */
  const ended = new Promise(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('close', (code, signal) => resolve(signal ?? `exit ${code}`))
  })
  return { program, process: child, ended, output: collect(child, program.name, verbose) }
}

/** @param {ChildProcess} child @param {string} name @param {boolean} verbose */
function collect (child, name, verbose) {
  /** @type {string[]} */
  const lines = []
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      const fresh = text.split('\n').filter(line => line !== '')
      lines.push(...fresh)
      lines.splice(0, lines.length - KEPT_LINES)
      if (verbose) for (const line of fresh) console.log(`[${name}] ${line}`)
    })
  }
  return lines
}

/** @param {Child} child */
const tail = ({ output }) => output.map(line => `    ${line}`).join('\n') || '    (it printed nothing)'

/** @param {Child} child */
async function stop ({ process, ended }) {
  process.kill('SIGTERM')
  const late = setTimeout(() => process.kill('SIGKILL'), STOP_DEADLINE_MS)
  await ended
  clearTimeout(late)
}
