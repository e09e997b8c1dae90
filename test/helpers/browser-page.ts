import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { Test } from 'tap'

/** A page of its own, with what it complained of and asked for. */
export async function openPage (t: Test, browser: Browser, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ ...options, reducedMotion: 'reduce' })
  t.teardown(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  const asked: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => asked.push(request.url()))
  return { page, complaints, asked }
}

/** What is written, and on which ground. */
export async function coloursOf (
  page: Page
): Promise<ReadonlyArray<readonly [foreground: string, background: string, what: string]>> {
  return await page.evaluate(`(() => {
    const style = (one) => getComputedStyle(one)
    const ground = (one) => { for (let at = one; at !== null; at = at.parentElement) if (style(at).backgroundColor !== 'rgba(0, 0, 0, 0)') return style(at).backgroundColor }
    const texts = Array.from(document.querySelectorAll('h1, h2, p, dt, dd, li span, data, th, td, button, a'), (one) => [style(one).color, ground(one), one.tagName])
    return [...new Map(texts.map((one) => [one.join(), one])).values()]
  })()`)
}
