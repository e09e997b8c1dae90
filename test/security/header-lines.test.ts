import t from 'tap'
import { overTls, startInProcess } from '../helpers/in-process.ts'
import { statusOverHttp2 } from '../helpers/raw-http2.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'
import { advisory } from './helpers/advisory.ts'

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
      t.equal(await statusWith(policy), 403, JSON.stringify(policy))
      t.equal(await statusWith(policy, '/verify?role=admin'), 403, 'a policy in the URL always counts')
    }
  })
