import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'

const SOURCE = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
const RUN = `axe.run().then(({ violations }) => violations
  .filter(({ impact }) => impact === 'serious' || impact === 'critical')
  .map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 100)).join(' | ')))`

/** What axe (https://github.com/dequelabs/axe-core) calls serious or worse on the page that is shown. */
export async function seriousOf (page: Page): Promise<readonly string[]> {
  await page.evaluate(SOURCE)
  return await page.evaluate<string[]>(RUN)
}
