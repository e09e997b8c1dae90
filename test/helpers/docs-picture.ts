import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import type { Test } from 'tap'

const ROOT = join(import.meta.dirname, '../..')

/** What a page of docs/ may weigh down its reader with. */
const MAX_PICTURE_BYTES = 80_000

type Options = Readonly<{ fullPage?: boolean, clip?: { x: number, y: number, width: number, height: number } }>

/** For people who look at what a test saw: into artifacts/, with SCREENSHOTS set. */
export async function keepPicture (page: Page, file: string, options: Options = {}): Promise<void> {
  if (process.env['SCREENSHOTS'] === undefined) return
  await page.screenshot({ ...options, path: join(ROOT, 'artifacts', file) })
}

/**
 * A picture that a page of docs/ shows: into docs/images with SCREENSHOTS=1, else into artifacts/docs, which is not
 * committed.
 */
export async function takeDocsPicture (t: Test, page: Page, name: string, options: Options = {}): Promise<void> {
  const folder = join(ROOT, process.env['SCREENSHOTS'] === '1' ? 'docs/images' : 'artifacts/docs')
  const bytes = await page.screenshot({ ...options, animations: 'disabled' })
  t.ok(bytes.length < MAX_PICTURE_BYTES, `${name}.png has ${bytes.length} bytes`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name}.png`), bytes)
}
