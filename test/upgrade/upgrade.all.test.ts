import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { intendedDifferences, previousRelease } from '../helpers/previous-release.ts'
import { work } from './work.ts'
import { LIFE_SECONDS, startUpgradeWorld, type Build, type Replica, type User } from './world.ts'

const { main, skip } = await previousRelease()
const OLD: Build = { name: 'old', main }
const NEW: Build = { name: 'new', main: undefined }
/** The replica that is replaced, and its next build: old+old, new+old, new+new, new+old, old+old. */
const STEPS = [[0, NEW], [1, NEW], [1, OLD], [0, OLD]] as const

for (const rotation of [false, true]) {
  const name = `an update and a rollback refuse no user, rotation ${rotation ? 'on' : 'off'}`
  t.test(name, { skip }, async (t) => {
    const world = await startUpgradeWorld(t, OLD, { rotation })
    const living: User[] = []
    const wrong = await work(world, living)
    for (const [index, build] of STEPS) {
      await world.replace(world.replicas[index] as Replica, build)
      await sleep(LIFE_SECONDS * 1000) // each access token expires, and is refreshed by either build
      wrong.push(...await work(world, living))
    }
    t.strictSame(wrong.filter((one) => !intendedDifferences().some((text) => one.includes(text))), [])
    t.ok(living.filter(({ madeBy }) => madeBy === 'old').length >= 5, 'some signed in before the update')
  })
}
