import t from 'tap'
import { readAddress } from '../../src/base/core/email.ts'
import { decide, NO_RULES, parsePolicy } from '../../src/base/core/policy.ts'
import type { EpochMs } from '../../src/base/core/token-expiry.ts'
import { validResolution } from '../helpers/identity.ts'
import { advisory } from './helpers/advisory.ts'

const NOW = 1_800_000_000_000 as EpochMs

advisory(t, 'oauth2-proxy CVE-2026-40574',
  'an address with several @ was of the domain behind the last one', t => {
    for (const email of [
      'mallory@evil.example@example.com', 'mallory@example.com@evil.example', 'mallory@@example.com',
      '@mallory@example.com', 'mallory@evil.example@@example.com', '"mallory@evil.example"@example.com',
      'mallory@evil.example,alice@example.com', 'mallory@evil.example%40example.com',
      'mallory@evil.example\0@example.com', 'mallory@evil.example @example.com',
      'mallory@evil.example\n@example.com', 'mallory@[example.com]'
    ]) {
      for (const rule of ['email_domain=example.com', 'email=alice@example.com']) {
        const facts = { address: readAddress(email), groups: [] }
        t.equal(decide(validResolution(), parsePolicy(rule), NO_RULES, NOW, facts).kind, 'refuse', `${rule}: ${email}`)
      }
    }
  })
