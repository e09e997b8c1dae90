import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

/**
 * For tap's `skip` option: without Chromium a skip on a person's machine; in CI the test runs, and fails in
 * `launchChromium`.
 */
export function skipOrFailWithoutChromium (): string | false {
  if (existsSync(EXECUTABLE) || process.env['CI']) return false
  return `no ${EXECUTABLE} here: apt-get install chromium, or name another by CHROMIUM=`
}

/**
 * A headless one with an empty profile that talks to nobody but the pages it is given. Its caller closes it.
 * @param more command-line switches
 */
export function launchChromium (more: readonly string[] = []): Promise<Browser> {
  if (!existsSync(EXECUTABLE)) throw new Error(`no ${EXECUTABLE} here: apt-get install chromium`)
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', ...more
    ]
  })
}
