import t from 'tap'
import { PLAIN } from '../../../../src/parts/pages/settings.ts'
import { variables } from '../../../../src/parts/pages/variables.ts'
import { errorsOf, holds, load, readRows, type Row } from '../../../unit/config/helpers.ts'

const SVG = '<?xml version="1.0"?>\n<!-- a logo -->\n<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><a href="#x"/><path d="M0 0h8" fill="url(#g)"/></svg>'
const PNG = '\x89PNG\r\n\x1a\n\x00\xff\xfe'
const svg = (inner: string): string => SVG.replace('<path', `${inner}<path`)

const READ: ReadonlyArray<readonly [env: NodeJS.ProcessEnv, settings: object]> = [
  [{ BRAND_NAME: ' Acme & Söhne ' }, { brandName: 'Acme & Söhne' }],
  [{ BRAND_NAME: '/web/brand' }, { brandName: undefined }],
  [{ DENIED_TEXT: '請找 Kim <kim@example.com>' }, { deniedText: '請找 Kim <kim@example.com>' }],
  [{ BRAND_COLOR: '#0B6E4F' }, { brandColor: '#0b6e4f' }],
  [{ BRAND_COLOR: '#abc' }, { brandColor: '#aabbcc' }],
  [{ SUPPORT_URL: 'https://help.example.com/x?a=b' }, { supportUrl: 'https://help.example.com/x?a=b' }],
  [{ SUPPORT_URL: 'mailto:a@b.example?subject=No%20access' }, { supportUrl: 'mailto:a@b.example?subject=No%20access' }]
]
const WRONG: readonly Row[] = [
  [{ BRAND_NAME: 'x'.repeat(61) }, /^BRAND_NAME: is longer than 60 characters: shorten it/],
  [{ DENIED_TEXT: 'a\nb' }, /^DENIED_TEXT: has a line break or another control character: write one line/],
  [{ BRAND_COLOR: 'green' }, /^BRAND_COLOR: "green" is not a colour: write # and six hexadecimal digits, such as #0b6e4f/],
  [{ BRAND_COLOR: '#0b6e4f;}body{' }, /^BRAND_COLOR: .* is not a colour/],
  [{ SUPPORT_URL: 'mailto:help@example.com?bcc=x@y.z' }, /^SUPPORT_URL: is not an e-mail address/],
  [{ SUPPORT_URL: 'javascript:alert(1)' }, /^SUPPORT_URL: must begin with https:\/\/, http:\/\/ or one slash/]
]
t.test('words and looks of pages for people', async (t) => {
  for (const [env, settings] of READ) {
    const read = { ...PLAIN, ...settings }
    t.strictSame(readRows(variables, env), read, JSON.stringify(env))
  }
  holds(t, WRONG)
})

const logoOf = (content: string) => load({ BRAND_LOGO_FILE: '/logo' }, { '/logo': content })

t.test('a logo is handed over as a data: URL, byte by byte', async (t) => {
  for (const [content, type] of [[SVG, 'svg+xml'], [PNG, 'png'], [SVG.padEnd(16 * 1024, ' '), 'svg+xml']] as const) {
    const bytes = Buffer.from(content, 'latin1').toString('base64')
    const { brandLogo } = readRows(variables, { BRAND_LOGO_FILE: '/logo' }, () => content)
    t.equal(brandLogo, `data:image/${type};base64,${bytes}`)
  }
})

/** An image runs no script and loads nothing; a file that has them is not what the operator thinks. */
const REFUSED: ReadonlyArray<readonly [content: string, error: RegExp]> = [
  ['', /is neither PNG nor SVG|empty/],
  ['GIF89a', /neither PNG nor SVG/],
  ['<html><svg xmlns="http://www.w3.org/2000/svg"/></html>', /neither PNG nor SVG/],
  ['<!-- -->'.repeat(2000), /neither PNG nor SVG/],
  ['<!DOCTYPE html><svg xmlns="http://www.w3.org/2000/svg"/>', /with a DOCTYPE/],
  [SVG.replace('<svg', '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd">\n<svg'), /with a DOCTYPE/],
  ['<svg viewBox="0 0 8 8"/>', /add xmlns=/],
  [SVG.padEnd(16 * 1024 + 1, ' '), /a file of 16385 bytes, and each page holds it: give one of at most 16 KiB/],
  [svg('<script>alert(1)</script>'), /with a script/],
  [svg('<svg:script href="#x"/>'), /with a script/],
  [svg('<g ONLOAD = "x"/>'), /with an event handler/],
  [svg('<g/onclick="x"/>'), /with an event handler/],
  [svg('<foreignObject/>'), /with another document/],
  [svg('<image href="https://evil.example/x.png"/>'), /with a reference to outside/],
  [svg("<use xlink:href='other.svg#a'/>"), /with a reference to outside/],
  [svg('<image href=x.png />'), /with a reference to outside/],
  [svg('<image href="data:image/svg+xml;base64,AA"/>'), /with a reference to outside/],
  [svg('<rect fill="url( https://evil.example/#a)"/>'), /with a reference to outside/],
  [svg('<style>@import "x.css";</style>'), /with a reference to outside/],
  ['<?xml version="1.0"?><?xml-stylesheet href="#"?><svg xmlns="http://www.w3.org/2000/svg"/>', /neither PNG nor SVG/]
]
t.test('a logo that is too large, no picture, or more than one is refused at the start', async (t) => {
  for (const [content, error] of REFUSED) {
    const [found = '', ...more] = errorsOf(logoOf(content))
    t.match(found, error, content.slice(0, 60))
    t.match(found, /^BRAND_LOGO_FILE: /)
    t.strictSame(more, [])
  }
  t.match(errorsOf(load({ BRAND_LOGO_FILE: '/none' })), [/^BRAND_LOGO_FILE: names a file that cannot be read \(ENOENT\)/])
})
