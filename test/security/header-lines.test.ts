import t from 'tap'
import { keepsBlanks } from '../../src/base/config/rules.ts'
import { overTls, startInProcess } from '../helpers/in-process.ts'
import { statusOverHttp2 } from '../helpers/raw-http2.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'
import { advisory } from './helpers/advisory.ts'

/** Node 22.17 and 24.2 on hand such a line over; older ones drop it, which no program of theirs can see. */
const KEEPS_BLANKS = keepsBlanks(process.versions.node)

advisory(t, 'Node.js and nghttp2, found here',
  'a header line that HTTP/2 forbids is dropped silently, a policy among them', async (t) => {
    const [tls, authgear] = [makeTls(t), await startSimulator(t)]
    const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: authgear.url, ...overTls(tls) })
    const statusWith = (policy: string, path = '/verify'): Promise<number> =>
      statusOverHttp2(port, tls.ca, path, [
        ['authorization', `Bearer ${demo.bob.accessToken}`],
        ['x-forward-auth-policy', policy]
      ])
    t.equal(await statusWith('role=admin'), 403)
    for (const policy of ['role=admin ', ' role=admin', 'role=admin\t']) {
      t.equal(await statusWith(policy), KEEPS_BLANKS ? 403 : 200, `${JSON.stringify(policy)}: docs/security.md says so`)
      t.equal(await statusWith(policy, '/verify?role=admin'), 403, 'a policy in the URL always counts')
    }
  })
