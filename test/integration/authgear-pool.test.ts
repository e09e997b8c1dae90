import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { answering, startUpstream } from '../helpers/upstream.ts'

const SOURCE = new URL('../../src/base/authgear/', import.meta.url).href

/** In a process of its own: helpers of other tests load undici's index, which adds methods to every pool. */
async function run (script: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  return JSON.parse(stdout)
}

t.test('what Authgear says to everybody is read without the rest of undici', async (t) => {
  const upstream = await startUpstream(t, answering('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nkeys'))
  const said = await run(`
    const { openPublicEndpoint } = await import('${SOURCE}public-endpoint.ts')
    const endpoint = { origin: 'http://127.0.0.1:${upstream.port}' }
    const authgear = openPublicEndpoint({ endpoint, timeoutMs: 5000, ca: undefined })
    console.log(JSON.stringify(await authgear.get('/keys').catch(String)))
    await authgear.close()
  `)
  t.equal(said, 'keys')
})

t.test('so is the Admin API', async (t) => {
  const upstream = await startUpstream(t, answering('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'))
  const said = await run(`
    const { openAdminApi } = await import('${SOURCE}admin-api/client.ts')
    const url = 'http://127.0.0.1:${upstream.port}/graphql'
    const settings = { url, endpoint: { host: 'a', scheme: 'http' }, ca: undefined, token: async () => 'token' }
    const api = openAdminApi(settings, { connections: 1, deadlineMs: 5000, maxBodyBytes: 1000 })
    console.log(JSON.stringify(await api.query('{ x }', {}).catch(String)))
    await api.close()
  `)
  t.match(said, { status: 200, body: '{}' })
})

t.test('and the resolver, by doctor', async (t) => {
  const upstream = await startUpstream(t, answering('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'))
  const said = await run(`
    const { createResolverProbe } = await import('${SOURCE}resolver/probe.ts')
    const probe = createResolverProbe({
      endpoint: { host: 'a', scheme: 'http' }, resolverUrl: 'http://127.0.0.1:${upstream.port}/resolve',
      cookieNames: { session: 's', appSession: 'a', appAccessToken: 't' }, timeoutMs: 5000, maxConcurrency: 1,
      maxQueue: 1, ca: undefined
    })
    const nobody = { bearer: undefined, appSession: undefined, appAccessToken: undefined, session: undefined }
    console.log(JSON.stringify(await probe.ask(nobody).catch(String)))
    await probe.close()
  `)
  t.match(said, { status: 200 })
})
