// @ts-check
import { rmSync } from 'node:fs'
import { CHECKS, curlLine, machineLines, machineProblem, problemOf } from './checks.mjs'
import { createChildren } from './children.mjs'
import { takenPorts } from './ports.mjs'
import { operatorOf, programs, redisProgram, registeredAt } from './programs.mjs'
import { chooseProxies } from './proxies.mjs'
import { createRecord, recordLines } from './record.mjs'
import { COMMAND, CONFIRM, originOf, readSettings, WIKI, wikiOrigin } from './settings.mjs'
import { stopLines, stopProblem } from './stop.mjs'

/** @import { Settings } from './settings.mjs' */

/** @type {(end: { code: number, message?: string }) => void} */
let finish = () => {}
/** @type {Promise<{ code: number, message?: string }>} */
const finished = new Promise(resolve => { finish = resolve })

/** @param {Settings} settings */
async function run (settings) {
  const taken = await takenPorts(settings.ports)
  if (taken.length > 0) throw new Error(taken.join('\n'))
  const proxies = chooseProxies(settings)
  const record = createRecord()
  const children = createChildren({ verbose: settings.verbose, onDeath: message => finish({ code: 1, message }) })
  listenToSignals(children.killAll)
  try {
    await Promise.race([start(), finished])
    return await finished
  } finally {
    await children.stopAll()
    for (const folder of [...proxies.map((proxy) => proxy.folder), record?.folder]) {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    }
  }

  async function start () {
    for (const program of [...programs(settings, record?.file), ...proxies]) {
      console.log(`starting ${program.name}`)
      await children.start(program)
    }
    await introduce(settings, proxies[0]?.note ?? '', record?.file)
  }
}

/** The first signal ends everything in order, the second at once. @param {() => void} killAll */
function listenToSignals (killAll) {
  let asked = false
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      if (asked) { killAll(); process.exit(1) }
      asked = true
      finish({ code: process.exitCode === 1 ? 1 : 0, message: 'Stopping everything …' })
    })
  }
}

/** @param {Settings} settings @param {string} note @param {string | undefined} record the file of the access record */
async function introduce ({ ports, project }, note, record) {
  const url = `${originOf(ports.entry)}/`
  const authgear = project === undefined ? `simulated Authgear :${ports.authgear}` : project.endpoint
  console.log(`
authgear-forward-auth, the demo: everything ${project === undefined ? '' : 'but Authgear '}runs on this machine.

  browser or curl → proxy :${ports.entry} → app :${ports.app}
                      └ asks → forward-auth :${ports.service} → ${authgear}

  Proxy: ${note}
${project === undefined ? withPeople(url, wikiOrigin(ports)) : withProject(ports)}
With curl:
`)
  // of a project of one's own nobody knows the people
  for (const check of project === undefined ? CHECKS : CHECKS.slice(0, 1)) await show(check, url)
  if (project === undefined) await showMachine(`http://localhost:${ports.authgear}`, `${url}mcp`)
  if (project === undefined) await showStop(ports, `${url}mcp`)
  console.log(`  Status page: http://127.0.0.1:${ports.management}/
  Metrics:     http://127.0.0.1:${ports.management}/metrics
${record === undefined ? '' : withRecord(record)}
ready: Ctrl-C stops everything`)
}

/** @param {string} file */
function withRecord (file) {
  const lines = recordLines(file)
  const without = lines[0]?.startsWith('jq') === true ? '' : ' (there is no jq here, by which it is shorter)'
  return `
Who opened what, from another terminal${without}; docs/access-record.md has ten more questions:

  ${lines.join('\n  ')}
`
}

/** @param {string} url @param {string} wiki */
const withPeople = (url, wiki) => `
In a browser:
  1. ${url}  the service sends you to Authgear's login page (simulated: no password)
  2. choose who you are; you come back to the app, which knows you
  3. ${url}admin  Bob has no role there: 403, with "Use another account"
  4. ${url}${CONFIRM.path.slice(1)}  asks "Is it you?" when you signed in more than ${CONFIRM.maxAge} seconds ago, then opens
  5. "Switch account or sign out", on the app's page, ends the session everywhere
  6. ${wiki}/  a second app with another rule, ${WIKI.role}s only: Alice gets in, Bob does not

A project of your own at Authgear: ${COMMAND} --authgear https://NAME.authgear.cloud --client ID
`

/** @param {Settings['ports']} ports */
function withProject (ports) {
  const { callback, loggedOut } = registeredAt(originOf(ports.entry))
  return `
In Authgear's portal, in the client (a free plan will do; docs/portal.md):
  Authorized Redirect URIs     ${callback}
  Post Logout Redirect URIs    ${loggedOut}
Then, in a browser: ${originOf(ports.entry)}/
`
}

/** @param {import('./checks.mjs').Check} check @param {string} url */
async function show (check, url) {
  const problem = await problemOf(check, url)
  if (problem !== undefined) process.exitCode = 1
  console.log(`  # ${check.title}
  ${curlLine(check, url)}
  ${problem === undefined ? `✓ ${check.status} (${check.says})` : `✗ expected ${check.status} (${check.says}), but it ${problem}`}
`)
}

/** @param {string} authgear @param {string} url */
async function showMachine (authgear, url) {
  const problem = await machineProblem(authgear, url)
  if (problem !== undefined) process.exitCode = 1
  console.log(`  # A machine gets a token for an MCP server, and calls its tool:
  ${machineLines(authgear, url).join('\n  ')}
  ${problem === undefined ? '✓ 200 (its client and scope)' : `✗ expected 200, but it ${problem}`}
`)
}

/** @param {Settings['ports']} ports @param {string} url */
async function showStop (ports, url) {
  if (redisProgram(ports) === undefined) {
    console.log('  With redis-server or valkey-server on PATH a machine is stopped here, too: Redis keeps it.\n')
    return
  }
  const operator = operatorOf(ports)
  const problem = await stopProblem(`http://localhost:${ports.authgear}`, url, operator)
  if (problem !== undefined) process.exitCode = 1
  const verdict = problem === undefined ? '✓ 401 (client_blocked) while it runs, then 200 again' : `✗ it ${problem}`
  console.log(`  # Block the client while it runs, then unblock it. Deleting it at Authgear would leave its tokens valid until they expire:
  ${stopLines(operator).join('\n  ')}
  ${verdict}
  The status page has a button for it, behind that token.
`)
}

/**
 * Runs until a signal, or until one of the programs dies.
 * @public src/commands/demo.ts imports it by its address
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} the exit code
 */
export async function demo (args, env) {
  try {
    const { code, message } = await run(readSettings(env, args))
    if (message !== undefined) (code === 0 ? console.log : console.error)(message)
    return code
  } catch (error) {
    console.error(`The demo cannot start.\n${error instanceof Error ? error.message : error}`)
    return 1
  }
}
