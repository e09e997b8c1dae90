import t from 'tap'
import type { Asked } from '../../../../src/base/parts/findings.ts'
import { judgeMetadata } from '../../../../src/parts/tokens/doctor.ts'

const RESOURCE = 'https://api.example.com/mcp'
const ADDRESS = 'https://api.example.com/.well-known/oauth-protected-resource/mcp'
const answered = (status: number, body: string): Asked => ({ kind: 'answered', status, body })

const ROWS: ReadonlyArray<readonly [what: string, page: Asked, id: string | undefined]> = [
  ['the metadata', answered(200, JSON.stringify({ resource: RESOURCE })), undefined],
  ['that of another resource', answered(200, JSON.stringify({ resource: `${RESOURCE}/` })), 'resource-metadata'],
  ['a page', answered(200, '<html>'), 'resource-metadata'],
  ['a login', answered(302, ''), 'resource-metadata'],
  ['a refusal', answered(401, ''), 'resource-metadata'],
  ['nothing', { kind: 'unreachable', what: 'x', code: 'ECONNREFUSED' }, 'resource-metadata'],
  ['a certificate that is not trusted', { kind: 'unbelieved', what: 'x', code: 'CERT_HAS_EXPIRED' }, 'app-certificate']
]

for (const [what, page, id] of ROWS) {
  t.test(`doctor judges the metadata of a resource: ${what}`, async (t) => {
    t.equal(judgeMetadata(page, RESOURCE, ADDRESS)?.[0], id)
  })
}
