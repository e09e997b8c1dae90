#!/usr/bin/env node
import { endOnSignal } from './commands/early-signals.ts'
import { fitHeap } from './commands/fit-heap.ts'
import { problemOfNode } from './commands/supported-node.ts'
import { versionOf } from './commands/version.ts'
import { machineMemory } from './base/config/machine-memory.ts'

const MAIN = new URL(import.meta.url)

const HELP = `authgear-forward-auth: forward auth for Traefik, Caddy, nginx, Envoy and others, backed by Authgear.

Usage: authgear-forward-auth [command]

  serve         answer the proxy (default)
  check         validate the configuration and print it, secrets masked
  doctor        check Authgear and Redis, and say what is wrong (doctor --help)
  healthcheck   exit 0 when this machine's instance is alive
  demo          try it on this machine, with a simulated Authgear (demo --help)
  cert          make a small CA and a certificate for the link to the proxy (cert --help)
  init          ask a few questions, look at Authgear, and write the proxy's files and .env (init --help)
  revoke        log a user or a session out everywhere (revoke --help)
  snippet       print a proxy's configuration (snippet --help)
  -v, --version  print the version
  -h, --help     print this

Everything is configured by environment variables: docs/configuration.md
`

/**
 * @returns the exit code, or undefined while the service runs. Each command reads only what it needs: a health check
 * runs beside the service, in the same memory.
 */
async function run (command: string, args: readonly string[]): Promise<number | undefined> {
  switch (command) {
    case 'serve':
      if (args.length > 0) return usageOf(command, args)
      return await (await import('./commands/serve.ts')).serve(process.env, versionOf(MAIN), process.stderr)
    case 'check':
      if (asksForHelp(args)) return usageOf(command, args)
      return (await import('./commands/check.ts')).check(args, process.env, process.stdout)
    case 'doctor':
      return await (
        await import('./commands/doctor.ts')
      ).doctor(args, process.env, { stdin: process.stdin, out: process.stdout, err: process.stderr })
    case 'healthcheck':
      if (args.length > 0) return usageOf(command, args)
      return await (await import('./commands/healthcheck.ts')).healthcheck(process.env, process.stderr)
    case 'cert':
      return await (await import('./commands/cert.ts')).cert(args, process.stdout)
    case 'demo':
      return await (await import('./commands/demo.ts')).demo(args, process.env, {
        file: new URL('../deploy/demo/demo.mjs', import.meta.url), out: process.stdout, err: process.stderr
      })
    case 'init':
      return await (await import('./commands/init.ts')).init(args, process.env, {
        stdin: process.stdin, out: process.stdout, err: process.stderr, program: process.argv[1] ?? ''
      })
    case 'revoke':
      return await (await import('./commands/revoke.ts')).revoke(args, process.env, process.stdout, process.stderr)
    case 'snippet':
      return (await import('./commands/snippet.ts')).snippet(args, process.stdout, process.stderr)
    case '-v':
    case '--version':
      process.stdout.write(`${versionOf(MAIN)}\n`)
      return 0
    case 'help':
    case '-h':
    case '--help':
      process.stdout.write(HELP)
      return 0
    default:
      return await unknownCommand(command)
  }
}

const USAGES = {
  serve: 'serve\n\nAnswers the proxy until SIGTERM. It takes no options: docs/configuration.md has every variable.',
  check: 'check [--host NAME]\n\nValidates the configuration and prints it, secrets masked. Exit code 1 where ' +
    'something is wrong.\n\n' +
    '  --host NAME  also: can people who open that host sign in?',
  healthcheck: 'healthcheck\n\nExit code 0 when the instance of this machine answers /livez at MANAGEMENT_LISTEN.'
} as const

const asksForHelp = (args: readonly string[]): boolean => args.includes('--help') || args.includes('-h')

/** @returns the exit code: 0 where help was asked for, 1 for an argument that the command does not take */
function usageOf (command: keyof typeof USAGES, args: readonly string[]): 0 | 1 {
  const usage = `usage: authgear-forward-auth ${USAGES[command]}\n`
  if (asksForHelp(args)) process.stdout.write(usage)
  else process.stderr.write(`error: ${command} takes no arguments\n\n${usage}`)
  return asksForHelp(args) ? 0 : 1
}

const COMMANDS = ['serve', 'check', 'doctor', 'healthcheck', 'cert', 'demo', 'init', 'revoke', 'snippet', 'help']

async function unknownCommand (command: string): Promise<number> {
  const { didYouMean } = await import('./base/config/unknown.ts')
  const { quote } = await import('./base/config/kind.ts')
  process.stderr.write(`error: there is no command ${quote(command)}${didYouMean(command, COMMANDS)}\n\n${HELP}`)
  return 1
}

/** `check | head`: its reader has what they wanted. `revoke` says one half before it does the other, so it goes on. */
function leaveUnread (error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

const problem = problemOfNode(process.versions.node)
if (problem !== undefined) {
  process.stderr.write(`error: ${problem}\n`)
  process.exit(1)
}
const [command = 'serve', ...args] = process.argv.slice(2)
if (command === 'check' || command === 'doctor' || command === 'serve') fitHeap(process, machineMemory())
if (command === 'serve') endOnSignal()
else process.stdout.on('error', leaveUnread) // of the service the log writes there, which outlives its reader
const code = await run(command, args)
if (code !== undefined) process.exitCode = code
