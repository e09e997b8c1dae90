import t from 'tap'
import { createProgress } from '../../run/progress.mjs'

function world (screen: Readonly<{ isTTY?: boolean, columns?: number }>) {
  const seen: string[] = []
  let ms = 0
  const write = (text: string): void => { seen.push(text) }
  const progress = createProgress(() => '3/9 done, running: a, b', { ...screen, write }, () => ms)
  return { ...progress, seen, at: (seconds: number) => { ms = seconds * 1000; progress.look() } }
}

t.test('elsewhere than on a terminal each ten seconds of silence end with a line', async (t) => {
  const { at, line, seen } = world({})
  for (const seconds of [1, 9]) at(seconds)
  t.strictSame(seen, [])
  at(10)
  line('ok a')
  for (const seconds of [11, 19, 20, 21]) at(seconds)
  t.strictSame(seen, ['10 s so far: 3/9 done, running: a, b\n', 'ok a\n', '20 s so far: 3/9 done, running: a, b\n'])
})

t.test('on a terminal it is one line in place, no wider than the terminal', async (t) => {
  const { at, line, seen } = world({ isTTY: true, columns: 20 })
  at(1)
  line('ok a')
  t.strictSame(seen, ['\r\x1b[2K1 s so far: 3/9 don', '\r\x1b[2K', 'ok a\n'])
})
