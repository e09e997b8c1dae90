import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { demo } from '../../../src/commands/demo.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

async function run (t: Test, source: string | undefined, ...args: readonly string[]) {
  const path = join(tempDir(t, 'demo'), 'demo.mjs')
  if (source !== undefined) writeFileSync(path, source)
  let [said, complained] = ['', '']
  const code = await demo(args, { DEMO_PORT: '7' }, {
    file: pathToFileURL(path),
    out: { write: (text) => { said += text } },
    err: { write: (text) => { complained += text } }
  })
  return { code, said, complained }
}

t.test('demo runs the file with its arguments, and returns its exit code', async (t) => {
  const source = 'export const demo = async (args, env) => args.length + Number(env.DEMO_PORT)'
  t.match(await run(t, source, '--authgear', 'x'), { code: 9, said: '', complained: '' })
})

t.test('demo --help starts nothing', async (t) => {
  const source = "throw new Error('started')"
  t.match(await run(t, source, '--help'), { code: 0, said: /^usage: authgear-forward-auth demo/, complained: '' })
})

t.test('without its files, as in the image, demo says where to run it', async (t) => {
  t.match(await run(t, undefined), { code: 1, said: '', complained: /^error: the image leaves the demo out: .*clone/ })
})
