// @ts-check
import { FAILURES } from './failures.mjs'
import { createGate } from './gates.mjs'

/** @import { FailureMode, Knobs, Outage } from './types.d.mts' */

/** What a test may change while the simulator runs. @param {import('./directory.mjs').Directory} directory */
export function createKnobs (directory) {
  /** @type {{ mode: FailureMode, left: number } | undefined} */
  let failure
  /** @type {Record<'before' | 'after', ReturnType<typeof createGate> | undefined>} */
  const gates = { before: undefined, after: undefined }

  /** @type {Knobs} */
  const knobs = {
    latency: 0,
    sessionLock: false,
    outage: /** @type {Outage} */ ('none'),
    frozenRedisDelay: 3000,
    fail (mode, times = Infinity) {
      if (!Object.hasOwn(FAILURES, mode)) throw new Error(`no such failure: ${mode}`)
      failure = { mode, left: times }
    },
    recover: () => { failure = undefined },
    hold (point = 'before') {
      gates[point]?.release()
      return (gates[point] = createGate())
    },
    ...userKnobs(directory)
  }

  /** Takes one of the failures asked for. */
  function nextFailure () {
    if (failure === undefined || failure.left <= 0) return undefined
    failure.left--
    return failure.mode
  }

  const pass = async (/** @type {'before' | 'after'} */ point) => { await gates[point]?.pass() }
  const release = () => { gates.before?.release(); gates.after?.release() }
  return { knobs: Object.seal(knobs), nextFailure, pass, release, gates }
}

/** @param {import('./directory.mjs').Directory} directory */
function userKnobs (directory) {
  const { user, endSessions } = directory
  const revokeSessions = (/** @type {string} */ name) => {
    const owner = user(name)
    endSessions(session => session.user === owner)
  }
  return /** @satisfies {Partial<Knobs>} */ ({
    addUser: directory.addUser,
    signIn: directory.signIn,
    revokeSessions,
    revoke: credential => endSessions((_, one) => one === credential),
    disable: name => { user(name).disabled = true; revokeSessions(name) },
    enable: name => { user(name).disabled = false },
    setRoles: (name, roles) => { user(name).roles = roles },
    setVerified: (name, verified) => { user(name).verified = verified },
    setOutsideValidity: (name, outside) => { user(name).outsideValidity = outside }
  })
}
