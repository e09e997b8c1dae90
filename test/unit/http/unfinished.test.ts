import t from 'tap'
import { createUnfinished, type Owner, ownerOf } from '../../../src/base/http/unfinished.ts'

/** Notes in `ended` when it is destroyed. */
const owners = (ended: string[]) => (name: string, address = name): Owner =>
  ownerOf(address, () => ended.push(name))

t.test('a flood ends its own address’s oldest, and nothing of the proxy’s', (t) => {
  const ended: string[] = []
  const owner = owners(ended)
  const unfinished = createUnfinished(1000)
  const proxy = owner('proxy')
  for (let i = 0; i < 20; i++) unfinished.hold(proxy, 10)
  for (let i = 0; i < 50; i++) unfinished.hold(owner(`flood ${i}`, 'neighbour'), 100)
  t.strictSame(ended, Array.from({ length: 42 }, (_, i) => `flood ${i}`))
  t.end()
})

t.test('what a connection holds goes with it, and what is over is not counted', (t) => {
  const ended: string[] = []
  const owner = owners(ended)
  const unfinished = createUnfinished(100)
  const one = owner('one', 'same')
  const [first, second] = [unfinished.hold(one, 40), unfinished.hold(one, 40)]
  unfinished.release(first)
  unfinished.grow(second, 20)
  const other = unfinished.hold(owner('other', 'same'), 40)
  t.strictSame(ended, [])
  unfinished.feed(second)
  unfinished.grow(other, 1)
  t.strictSame(ended, ['other'], 'the oldest, since the first one was fed')
  unfinished.grow(other, 1000)
  t.strictSame(ended, ['other'], 'it is over')
  unfinished.hold(owner('third', 'same'), 50)
  t.strictSame(ended, ['other', 'one'])
  t.end()
})

t.test('addresses of one IPv6 home are one', (t) => {
  const ended: string[] = []
  const owner = owners(ended)
  const unfinished = createUnfinished(1000)
  for (let i = 0; i < 8; i++) unfinished.hold(owner(`proxy ${i}`, '2001:db8:2::1'), 50)
  for (let i = 0; i < 9; i++) unfinished.hold(owner(`home ${i}`, `2001:db8:1:${i}::1`), 100)
  t.strictSame(ended, ['home 0', 'home 1', 'home 2'])
  t.end()
})

t.test('a cluster of IPv6 of its own is no home: its proxy stays', (t) => {
  const ended: string[] = []
  const owner = owners(ended)
  const unfinished = createUnfinished(1000)
  const held = unfinished.hold(owner('proxy', 'fd00:10:244:1::5'), 100)
  for (let i = 0; i < 30; i++) unfinished.feed(unfinished.hold(owner(`pod ${i}`, 'fd00:10:244:2::9'), 100))
  t.notOk(ended.includes('proxy'))
  unfinished.release(held)
  t.end()
})
