import { freePort } from '../../helpers/free-port.ts'
import { ask, type HeaderLine } from '../../helpers/request.ts'
import { startBefore } from '../one-replica.ts'
import { ALICE, BOB, cookieOf } from '../people.ts'
import type { Edits } from '../proxy.ts'
import { readSnippet, swap } from '../snippets.ts'
import { shippedBy, type Case } from './case.ts'

const PAGE = 'proxies/traefik.md'

/** Routers that somebody wrote without a middleware: on the entry point by its name, and on none by name. */
const FORGOTTEN = `
    forgotten: { rule: "Host(\`forgotten.example.com\`)", entryPoints: [web], service: app }
    nowhere: { rule: "Host(\`nowhere.example.com\`)", service: app }
`

const forget = (written: string): string => swap(written, '  routers:\n', `  routers:${FORGOTTEN}`)

/** Both marks off, as the page says, and a public entry point as it has it. */
const denyByDefault = (publicPort: number): Edits => ({
  'traefik.yml': (written) => {
    const open = readSnippet(PAGE, 'traefik: public entry point').replace('0.0.0.0:8081', `127.0.0.1:${publicPort}`)
    const denying = swap(swap(written, '# asDefault: true', 'asDefault: true'), '# middlewares: [', 'middlewares: [')
    return swap(denying, 'entryPoints:\n', `entryPoints:\n${open}`)
  },
  'dynamic.yml': (written) => {
    const router = readSnippet(PAGE, 'traefik: public path').replace('[web]', '[public]')
    return swap(forget(written), '  routers:\n', `  routers:\n${router}`)
  }
})

export const traefik: readonly Case[] = [
  {
    name: 'a forgotten router is open without the middleware on its entry point: what this is about',
    only: shippedBy('traefik'),
    async run (t, stack, proxy) {
      const { port } = await startBefore(t, proxy, await stack.single(), { edits: { 'dynamic.yml': forget } })
      for (const host of ['forgotten.example.com', 'nowhere.example.com']) {
        t.equal((await ask(port, { host })).status, 200, host)
      }
    }
  },
  {
    name: 'a forgotten router is refused with it; what is public has an entry point of its own',
    only: shippedBy('traefik'),
    async run (t, stack, proxy) {
      const publicPort = await freePort()
      const { port, app } = await startBefore(t, proxy, await stack.single(), {
        edits: denyByDefault(publicPort), options: ['--policy', '/admin=role=admin']
      })
      for (const host of ['forgotten.example.com', 'nowhere.example.com']) {
        t.equal((await ask(port, { host })).status, 401, `${host}, nobody`)
        t.equal((await ask(port, { host, headers: [['X-Authgear-User-Id', 'me']] })).status, 401, `${host}, spoofed`)
        t.equal((await ask(port, { host, headers: [cookieOf(ALICE)] })).status, 200, `${host}, Alice`)
      }
      t.equal((await ask(port, { path: '/admin', headers: [cookieOf(BOB)] })).status, 403, 'a stricter router stays so')
      t.equal((await ask(port, { path: '/admin', headers: [cookieOf(ALICE)] })).status, 200)
      t.equal((await ask(port, { path: '/_auth/login' })).status, 401, 'nor is the login there')
      t.equal((await ask(port, { path: '/public/page' })).status, 401, 'nor what is public')
      const before = app.received.length
      t.equal((await ask(publicPort, { host: 'nowhere.example.com' })).status, 404, 'it is not on the public one')
      t.equal((await ask(publicPort, { path: '/page' })).status, 404, 'nor is anything else')
      t.equal(app.received.length, before)
      const spoofed: HeaderLine = ['X_Authgear_User_Id', 'spoofed']
      t.equal((await ask(publicPort, { path: '/public/page', headers: [spoofed] })).status, 200)
      t.notOk(app.received.at(-1)?.rawHeaders.includes('spoofed'))
    }
  }
]
