import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Proxy } from './proxy.ts'

const RESULTS = join(import.meta.dirname, '../../artifacts/e2e')
const KNOWN: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'behaviours.json'), 'utf8')
)

/** Notes what a proxy was seen to do, for the table in docs/proxies/README.md (docs/behaviour.ts). */
export type Observe = (behaviour: string, value: string) => void

/** @param file of the test; what it saw is written when all of it has passed */
export function createObserver (t: Test, file: string, { column }: Proxy): Observe {
  const seen: Record<string, string> = {}
  t.teardown(() => {
    if (column === undefined || !t.passing()) return
    mkdirSync(RESULTS, { recursive: true })
    writeFileSync(join(RESULTS, `${file}.${column}.json`), JSON.stringify({ [column]: seen }, undefined, 2))
  })
  return (behaviour, value) => {
    if (!(behaviour in KNOWN)) throw new Error(`test/e2e/behaviours.json does not know ${behaviour}`)
    if (seen[behaviour] !== undefined && seen[behaviour] !== value) {
      throw new Error(`${behaviour} was ${seen[behaviour]}, and then ${value}`)
    }
    seen[behaviour] = value
  }
}
