import { demo } from '../helpers/simulator.ts'

/** The people of these tests, as the simulator knows them. */
export const ALICE = {
  id: demo.alice.id,
  cookie: `session=${demo.alice.cookie}`,
  bearer: demo.alice.accessToken,
  roles: 'admin,editor'
} as const

/** Has no roles. */
export const BOB = { id: demo.bob.id, cookie: `session=${demo.bob.cookie}` } as const
