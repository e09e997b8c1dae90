import t from 'tap'
import { advisories } from '../../../docs/advisories.ts'

/** Every advisory that this service must not repeat. A row without a test is a promise without a proof. */
const NAMES = [
  'Caddy CVE-2026-30851', 'GHSA-7r4p-vjf4-gxv4', 'GHSA-f59h-q822-g45g', 'GHSA-49wc-4hcv-v58q', 'CVE-2026-54763',
  'CVE-2026-88011', 'CVE-2025-64484', 'CVE-2024-45410', 'CVE-2026-29054', 'CVE-2021-32813', 'GHSA-w9mr-28mw-j8hg',
  'CVE-2026-35051', 'CVE-2026-54764', 'GHSA-fw45-f5q2-2p4x', 'CVE-2026-41181', 'CVE-2020-15129', 'CVE-2026-48020',
  'CVE-2020-11053', 'tinyauth #854', 'CVE-2026-40575', 'CVE-2026-76835', 'CVE-2026-34457', 'CVE-2026-41059',
  'CVE-2025-54576', 'CVE-2021-32637', 'GHSA-9g5w-hqr3-w2ph', 'CVE-2026-25748', 'CVE-2024-47070', 'GHSA-x883-2vmg-xwf7',
  'CVE-2026-48794', 'CVE-2026-77560', 'CVE-2026-33544', 'CVE-2026-33496', 'CVE-2021-32701', 'CVE-2026-33494',
  'GHSA-3q34-rx83-r6mq', 'CVE-2026-31908', 'CVE-2026-44087', 'CVE-2025-24514', 'failure_mode_allow',
  'allow_degradation', 'nginx auth_request with a query', 'Caddy uri without a question mark',
  'CVE-2026-134802', 'CVE-2026-57210', 'CVE-2026-40574', 'GHSA-r27r-rr9v-vv37', 'CVE-2026-39858', 'CVE-2026-88008',
  'CVE-2026-73511', 'CVE-2026-73553', 'GHSA-j748-h363-wqj8', 'CVE-2026-47203', 'GHSA-hjj4-hfjm-fmrj',
  'Authgear nginx cache recipe', 'mkuhlmann/forward-auth', 'naicoi92/forward-auth-redis'
]

t.test('each advisory has a test', async t => {
  const named = advisories().map(({ names }) => names).join(', ')
  for (const name of NAMES) t.ok(named.includes(name), name)
})
