import { once } from 'node:events'
import t from 'tap'
import { Deadline } from '../../../../src/authgear/resolver/deadline.ts'

t.test('its end is told once, with a reason', async (t) => {
  const deadline = new Deadline(1)
  t.notOk(deadline.aborted)
  await once(deadline, 'abort')
  t.ok(deadline.aborted)
  t.match(deadline.reason, { name: 'TimeoutError' })
  deadline.on('abort', () => t.fail('told again'))
  await new Promise((resolve) => setTimeout(resolve, 5))
})

t.test('one that was met does not come any more', async (t) => {
  const deadline = new Deadline(1)
  deadline.met()
  deadline.on('abort', () => t.fail('it came'))
  await new Promise((resolve) => setTimeout(resolve, 5))
  t.notOk(deadline.aborted)
})
