import { HOST, type HeaderLine } from '../helpers/request.ts'
import { demo } from '../helpers/simulator.ts'

/** The people of these tests, as the simulator knows them. */
export const ALICE = {
  id: demo.alice.id, cookie: `session=${demo.alice.cookie}`, bearer: demo.alice.accessToken, roles: 'admin,editor'
} as const

/** Has no roles. */
export const BOB = { id: demo.bob.id, cookie: `session=${demo.bob.cookie}` } as const

export const cookieOf = ({ cookie }: Readonly<{ cookie: string }>): HeaderLine => ['Cookie', cookie]

/** How a browser opens a page. */
export const NAVIGATION: readonly HeaderLine[] = [
  ['Sec-Fetch-Mode', 'navigate'], ['Sec-Fetch-Dest', 'document'], ['Accept', 'text/html']
]

/** Variables of a replica with a login. */
export const LOGIN = {
  LOGIN_CLIENT_ID: 'web',
  LOGIN_PUBLIC_URL: `https://${HOST}`,
  LOGIN_SECRET: 'a secret of this test, longer than 32 bytes'
} as const
