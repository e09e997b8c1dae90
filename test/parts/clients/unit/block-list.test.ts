import t from 'tap'
import type { ClientName } from '../../../../src/base/core/client-name.ts'
import {
  type BlockList, blocksIn, MAX_BLOCKS, merged, NO_BLOCKS, readBlockList, withBlock, withDeletion,
  withoutBlock, writeBlockList
} from '../../../../src/parts/clients/block-list.ts'
import type { Mark } from '../../../../src/base/revocation/block-mark.ts'

const [A, B] = ['a', 'b'] as ClientName[] as [ClientName, ClientName]

function listed (result: BlockList | 'full'): BlockList {
  if (result === 'full') throw new Error('full')
  return result
}

const blocked = (list: BlockList, name: ClientName, now: number): BlockList => listed(withBlock(list, name, now))
const isBlocked = (list: BlockList, name: ClientName): boolean => list.get(name)?.isBlocked === true
const sorted = (list: BlockList): unknown => [...list].toSorted(([one], [other]) => one < other ? -1 : 1)
const markOf = (at: number, flag: boolean): Mark => ({ at, isBlocked: flag, origin: 'management' })

t.test('the last word about a name counts, in whichever order lists meet', async (t) => {
  const lists = [1, 2, 3].flatMap((at) => [true, false].map((flag): BlockList => new Map([[A, markOf(at, flag)]])))
  lists.push(NO_BLOCKS, new Map([[A, markOf(2, true)], [B, markOf(9, false)]]))
  for (const one of lists) {
    t.equal(merged(one, one), one, 'with itself')
    for (const two of lists) {
      t.strictSame(sorted(merged(one, two)), sorted(merged(two, one)))
      for (const three of lists) {
        t.strictSame(sorted(merged(merged(one, two), three)), sorted(merged(one, merged(two, three))))
      }
    }
  }
})

t.test('a replica that missed a lift does not bring the block back', async (t) => {
  const before = blocked(NO_BLOCKS, A, 1000)
  const after = withoutBlock(before, A, 1000)
  t.notOk(isBlocked(merged(before, after), A))
  t.notOk(isBlocked(merged(after, before), A), 'though the clock stood still')
  t.ok(isBlocked(merged(after, blocked(after, A, 1)), A), 'a block after the lift holds, though the clock went back')
})

t.test('a word that changes nothing makes no new list', async (t) => {
  const list = blocked(NO_BLOCKS, A, 1000)
  t.equal(withoutBlock(list, B, 2000), list)
  t.equal(withDeletion(list, A, 2000), list)
})

t.test('a block that is said again is a later word, by whom it was said first', async (t) => {
  const deleted = listed(withDeletion(NO_BLOCKS, A, 1000))
  for (const now of [500, 2000]) {
    const again = blocked(deleted, A, now)
    t.strictSame(again.get(A), { isBlocked: true, at: Math.max(1001, now), origin: 'deletion' })
    t.ok(isBlocked(merged(withoutBlock(deleted, A), again), A), 'a lift that nobody dated is older')
  }
})

t.test('a deletion that is read again undoes no lift, and a later one blocks', async (t) => {
  const deleted = listed(withDeletion(NO_BLOCKS, A, 1000))
  const lifted = withoutBlock(deleted, A, 2000)
  t.notOk(isBlocked(listed(withDeletion(lifted, A, 1000)), A))
  t.ok(isBlocked(listed(withDeletion(lifted, A, 3000)), A))
})

t.test('no more than so many are blocked, and none goes for another', async (t) => {
  for (const [origin, add] of [['management', withBlock], ['deletion', withDeletion]] as const) {
    let list = NO_BLOCKS
    for (let n = 0; n < MAX_BLOCKS[origin]; n++) list = listed(add(list, `c${n}` as ClientName, 1000 + n))
    t.equal(add(list, A, 9999), 'full', origin)
    t.equal(blocksIn(list, origin), MAX_BLOCKS[origin])
    t.not(add(withoutBlock(list, 'c0' as ClientName, 9999), A, 9999), 'full', 'one that is lifted makes room')
  }
})

t.test('of what was lifted the oldest is forgotten, and no block', async (t) => {
  let list = blocked(NO_BLOCKS, B, 1)
  for (let n = 0; n < 1200; n++) {
    const name = `c${n}` as ClientName
    list = withoutBlock(blocked(list, name, 1000 + 2 * n), name, 1001 + 2 * n)
  }
  t.equal(list.size, 1001)
  t.ok(isBlocked(list, B))
  t.notOk(list.has('c0' as ClientName))
})

t.test('what was written is read back, and nothing else is a list', async (t) => {
  const list = withoutBlock(listed(withDeletion(blocked(NO_BLOCKS, A, 1000), B, 5)), A, 2000)
  t.strictSame(sorted(readBlockList(writeBlockList(list)) ?? NO_BLOCKS), sorted(list))
  t.strictSame(readBlockList(Buffer.from('[]')), NO_BLOCKS)
  for (const text of [
    '', '{}', 'null', '[null]', '[[]]', '[["a",1,1]]', '[["a",1,2,"management"]]', '[["a",0,1,"management"]]',
    '[["a","1",1,"management"]]', '[[1,1,1,"management"]]', '[["a",1,1,"Other!"]]', '[["a",1,1,"management"],1]'
  ]) t.equal(readBlockList(Buffer.from(text)), undefined, text)
})

t.test('keeps a row whose origin or further columns only a later release knows', async (t) => {
  const rows = [['a', 5, 1, 'scanner', { until: 9 }], ['b', 7, 0, 'management'], ['c', 6, 1, 'deletion']]
  const list = readBlockList(Buffer.from(JSON.stringify(rows)))
  if (list === undefined) throw new Error('the whole list was dropped')
  t.strictSame([isBlocked(list, A), isBlocked(list, B), list.size], [true, false, 3])
  t.strictSame(JSON.parse(writeBlockList(list).toString()), rows, 'written again as it was')
  const lifted = withoutBlock(list, A, 10)
  t.strictSame(lifted.get(A), { isBlocked: false, at: 10, origin: 'scanner', more: [{ until: 9 }] })
  t.strictSame([blocksIn(list, 'deletion'), blocksIn(list)], [1, 2], 'takes no place of the others')
  for (const odd of ['', 'A b', 'x'.repeat(33), 7, null]) {
    t.equal(readBlockList(Buffer.from(JSON.stringify([['a', 5, 1, odd]]))), undefined, `no origin: ${String(odd)}`)
  }
})
