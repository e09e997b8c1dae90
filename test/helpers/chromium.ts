import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'

/** The shell shows the same pages in half the CPU of a whole Chromium. */
const KNOWN = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'] as const
const EXECUTABLE = process.env['CHROMIUM'] ?? KNOWN.find((file) => existsSync(file)) ?? KNOWN[0]

/**
 * For tap's `skip` option: without Chromium a skip on a person's machine; in CI the test runs, and fails in
 * `launchChromium`.
 */
export function skipOrFailWithoutChromium (): string | false {
  if (existsSync(EXECUTABLE) || process.env['CI']) return false
  return `no ${EXECUTABLE} here: apt-get install chromium-headless-shell, or name another by CHROMIUM=`
}

/**
 * A headless one with an empty profile that talks to nobody but the pages it is given. Its caller closes it.
 * @param more command-line switches
 */
export function launchChromium (more: readonly string[] = []): Promise<Browser> {
  if (!existsSync(EXECUTABLE)) throw new Error(`no ${EXECUTABLE} here: apt-get install chromium-headless-shell`)
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', ...more
    ]
  })
}
