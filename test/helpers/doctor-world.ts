import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { CATALOGUE, type FindingId } from '../../src/commands/doctor/catalogue.ts'
import { issue } from '../../src/commands/cert/authority.ts'
import { visit, type Visit } from './doctor.ts'
import { type RunningSimulator, startSimulator, type SimulatorOptions } from './simulator.ts'
import { tempDir } from './temp-dir.ts'

export type Env = Readonly<Record<string, string>>
export type Make = (t: Test) => Promise<Visit>
/** Each mistake made for real: what is found, and nothing else. */
export type Mistake = readonly [mistake: string, found: readonly FindingId[], make: Make]

export interface DoctorWorld {
  readonly simulator: RunningSimulator
  readonly endpoint: string
  readonly resolver: string
  readonly env: Env
}

/** An Authgear that is in order, with cookies for example.com, and the service's environment for it. */
export async function openAuthgear (t: Test, options: SimulatorOptions = {}): Promise<DoctorWorld> {
  const simulator = await startSimulator(t, { cookieDomain: 'example.com', ...options })
  const endpoint = `http${options.tls === undefined ? '' : 's'}://127.0.0.1:${simulator.port}`
  return { simulator, endpoint, resolver: `http://127.0.0.1:${simulator.port}/resolve`, env: { AUTHGEAR_ENDPOINT: endpoint } }
}

type Change = (world: DoctorWorld, t: Test) => Partial<Visit> | Promise<Partial<Visit>>

/** Beside an Authgear that is in order, or of these options: what is changed. */
export const beside = (change: Change, options: SimulatorOptions = {}): Make => async (t) => {
  const world = await openAuthgear(t, options)
  const { env, ...more } = await change(world, t)
  return { env: { ...world.env, ...env }, ...more }
}

const DAY_MS = 86_400_000

/** As `cert` made it so many days from now, for 90 days. */
export async function certificate (t: Test, days: number) {
  const out = join(tempDir(t, 'cert'), 'tls')
  const hosts = [{ kind: 'ip', value: '127.0.0.1' }] as const
  await issue({ out, caDir: `${out}-ca`, hosts, clientDir: undefined, watch: false }, Date.now() + days * DAY_MS)
  const [cert, key] = [join(out, 'tls.crt'), join(out, 'tls.key')]
  const tls = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  return { ca: join(out, 'ca.crt'), tls, listener: { LISTEN_TLS_CERT_FILE: cert, LISTEN_TLS_KEY_FILE: key } }
}

/** @param all what these rows make at least */
export async function checkMistakes (t: Test, rows: readonly Mistake[], all: readonly FindingId[] = []): Promise<void> {
  for (const id of all) t.ok(rows.some(([, ids]) => ids.includes(id)), `${id} is made`)
  for (const [mistake, ids, make] of rows) {
    await t.test(mistake, async (t) => {
      const { code, text, findings } = await visit(await make(t))
      t.strictSame([...findings].sort(), ids.map((id) => `${CATALOGUE[id].severity} ${id}`).sort(), text)
      t.equal(code, ids.some((id) => CATALOGUE[id].severity === 'error') ? 1 : 0)
      for (const id of ids) {
        const { why, set } = CATALOGUE[id]
        t.ok(text.includes(`why: ${why}`) && text.includes(`set: ${set}`), 'why, and what to set')
      }
      t.match(text, /^\d+ errors?, \d+ warnings?$/m)
    })
  }
}

/** What is in order has no finding. */
export async function checkHealthy (t: Test, rows: ReadonlyArray<readonly [what: string, make: Make]>): Promise<void> {
  for (const [what, make] of rows) {
    await t.test(what, async (t) => {
      const { code, text, findings } = await visit(await make(t))
      t.strictSame(findings, [], text)
      t.equal(code, 0)
      t.match(text, /^ok {7}Authgear's resolver answers$/m)
    })
  }
}
