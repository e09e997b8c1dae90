import t from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import { sourceOf } from '../helpers/in-process-on-clock.ts'
import { jwtEnding } from '../helpers/jwt.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { ask } from '../helpers/request.ts'
import { VALID } from '../helpers/resolver.ts'
import { answering, startUpstream } from '../helpers/upstream.ts'

t.test('remembers no user past a token that a clock set back revives', async (t) => {
  const clock = manualClock()
  const answer = answering(VALID)
  const upstream = await startUpstream(t, (socket, request, index) => {
    if (index === 0) clock.setWall(clock.wall() - 70_000)
    answer(socket, request, index)
  })
  const authgear = `http://127.0.0.1:${upstream.port}`
  const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: authgear, clock })
  const headers = [['Authorization', `Bearer ${jwtEnding(-61_000, authgear)}`], ['Cookie', 'session=a.b']] as const
  const verify = async (): Promise<string> => sourceOf(await ask(port, { path: '/verify', headers }))
  t.equal(await verify(), '200 authgear', 'the session’s answer: the token counts as dead')
  clock.advance(8000)
  t.equal(await verify(), '200 memory')
  clock.advance(1001)
  t.equal(await verify(), '200 authgear', 'the token’s end, by the clock as it is now')
})
