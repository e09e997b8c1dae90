import t from 'tap'
import { type Exchange, spend } from '../../../../src/parts/tokens/basic/budget.ts'
import { advisory } from '../../../security/helpers/advisory.ts'

/** The 32 ways to write a name of five letters. */
const SPELLINGS = Array.from({ length: 32 }, (_, bits) =>
  [...'robot'].map((letter, i) => (bits >> i) % 2 === 0 ? letter : letter.toUpperCase()).join(''))

function callsOf (from: (n: number) => string | undefined): number {
  let made: readonly Exchange[] = []
  for (const [n, client] of SPELLINGS.entries()) {
    made = spend(made, { at: 0, client, isKnown: false, from: from(n) }) ?? made
  }
  return made.length
}

advisory(t, 'Authelia CVE-2026-47203 (GHSA-hjj4-hfjm-fmrj)',
  'each spelling of a user name had guesses of its own at Basic credentials', t => {
    t.equal(new Set(SPELLINGS).size, 32)
    t.equal(callsOf(() => '198.51.100.1'), 4, 'from one network')
    t.equal(callsOf((n) => `198.51.${n}.0/24`), 8, 'from 32 networks')
    t.equal(callsOf(() => undefined), 8, 'from networks that nobody names')
  })
