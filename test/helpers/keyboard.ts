import type { Page } from 'playwright-core'
import type { Test } from 'tap'

/** A control under the focus: which one of the page's, where, and whether a person sees that it has it. */
type Stop = Readonly<{ index: number, text: string, top: number, left: number, isMarked: boolean }>

/** Remembers what the keyboard should reach, and how each looks without the focus. */
const REMEMBER = `
  window.lookOf = (one) => { const { outline, boxShadow } = getComputedStyle(one); return outline + boxShadow }
  window.controls = [...document.querySelectorAll('a[href], button:enabled, input:enabled, summary, [tabindex="0"]')]
    .filter((one) => one.checkVisibility() && one.type !== 'hidden')
  window.unfocused = controls.map(lookOf)
  controls.length`

/** A ring is seen from two pixels on (WCAG 2.4.13). */
const STOP = `(() => {
  const at = document.activeElement
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(at)
  const { top, left, bottom } = at.getBoundingClientRect()
  const index = controls.indexOf(at)
  return {
    index, text: at.innerText.trim(), top: Math.round(top + scrollY), left: Math.round(left),
    isMarked: lookOf(at) !== unfocused[index] && bottom > 0 && top < innerHeight &&
      (boxShadow !== 'none' || outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2)
  }
})()`

/** Goes through a page by Tab: each control once, in the order of reading, marked while it has the focus. */
export async function walkByTab (t: Test, page: Page): Promise<void> {
  const count: number = await page.evaluate(REMEMBER)
  const stops: Stop[] = []
  for (let i = 0; i < count; i++) {
    await page.keyboard.press('Tab')
    stops.push(await page.evaluate<Stop>(STOP))
  }
  const where = new URL(page.url()).pathname
  t.strictSame(stops.map(({ index }) => index), stops.map((_, i) => i), `${where}: each control in its turn`)
  t.strictSame(stops.filter(({ isMarked }) => !isMarked).map(({ text }) => text), [], `${where}: each is marked`)
  t.ok(stops.every((stop, i) => isRead(stops[i - 1], stop)), `${where}: from the top to the bottom`)
  await page.keyboard.press('Tab')
  // Chromium without a frame of its own goes on to the first one at times
  t.ok(await page.evaluate('controls.indexOf(document.activeElement) <= 0'), `${where}: the last one holds no focus`)
}

const isRead = (before: Stop | undefined, { top, left }: Stop): boolean =>
  before === undefined || top > before.top || (top === before.top && left > before.left)

/** Goes on to the control that begins with the text, and presses the key there. */
export async function pressOn (page: Page, text: string, key: 'Enter' | 'Space'): Promise<void> {
  const isThere = `document.activeElement.innerText.trim().startsWith(${JSON.stringify(text)}) && ` +
    'document.activeElement !== document.body'
  for (let left: number = await page.evaluate(`${REMEMBER} + 1`); ; left--) {
    await page.keyboard.press('Tab')
    if (await page.evaluate(isThere)) break
    if (left === 0) throw new Error(`Tab does not reach ${text} of ${page.url()}`)
  }
  await page.keyboard.press(key)
}

/** The same, where it leads to another page. */
export async function followByKey (page: Page, text: string, key: 'Enter' | 'Space' = 'Enter'): Promise<void> {
  await Promise.all([page.waitForEvent('load'), pressOn(page, text, key)])
}
