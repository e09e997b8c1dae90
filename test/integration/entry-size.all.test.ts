import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'

const SCRIPT = new URL('../helpers/entry-size.mjs', import.meta.url).pathname

/** A process with one kind of entries in memory. @returns bytes of heap, and what the cache accounted for */
async function measure (...kind: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', SCRIPT, ...kind])
  return JSON.parse(stdout)
}

t.test('no entry takes more heap than is accounted to it', async (t) => {
  for (const kind of await measure() as readonly string[]) {
    const { entries, grown, accounted } = await measure(kind) as Record<'entries' | 'grown' | 'accounted', number>
    const each = Math.max(1, entries)
    t.comment(
      `bounds: ${kind}: ${Math.round(grown / each)} bytes, ${Math.round(accounted / each)} accounted: ` +
        `${(grown / accounted).toFixed(2)}`
    )
    t.ok(grown <= accounted, `${kind}: ${grown} bytes of ${accounted}`)
    t.ok(grown > accounted / 2, `${kind}: nor half of it`)
  }
})
