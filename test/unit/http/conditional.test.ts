import t from 'tap'
import { tagged, unlessKnown } from '../../../src/base/http/conditional.ts'
import type { HttpResponse } from '../../../src/base/http/types.ts'

const headers = ['content-type', 'application/json', 'content-length', '2', 'cache-control', 'public, max-age=300']
const page = tagged({ status: 200, headers, body: '{}' } as unknown as HttpResponse)
const tag = page.headers.at(-1) ?? ''
const statusBy = (...lines: readonly string[]): number =>
  unlessKnown(page, lines.flatMap((line) => ['If-None-Match', line])).status

t.test('a document has a tag of its text', async (t) => {
  t.match(tag, /^"[\w-]{22}"$/)
  t.equal(tagged(page).headers.at(-1), tag)
  t.not(tagged({ ...page, body: '{ }' }).headers.at(-1), tag)
})

t.test('answers 304 to a matching tag: weak, in a list, on several lines, or *', async (t) => {
  for (const line of [tag, `W/${tag}`, `"x", ${tag}`, `"a,b" ,W/${tag},"c"`, '*', ' * ']) t.equal(statusBy(line), 304, line)
  t.equal(statusBy('"x"', tag), 304)
  t.strictSame(unlessKnown(page, ['IF-NONE-MATCH', tag]), {
    status: 304, headers: ['cache-control', 'public, max-age=300', 'etag', tag], body: ''
  })
})

t.test('answers 200 without a matching tag', async (t) => {
  const inner = tag.slice(1, -1)
  for (const line of [
    '', '"x"', inner, `"${inner}`, `${inner}"`, `w/${inner}`, `"x${inner}"`, '"*"', '*, "x"',
    'x'.repeat(8000), `"${'x'.repeat(8000)}`, '"'.repeat(8001), 'W/'.repeat(4000)
  ]) t.equal(statusBy(line), 200, line.slice(0, 30))
  t.equal(unlessKnown(page, []), page)
  t.equal(unlessKnown(page, ['If-Match', tag]), page)
})

t.test('an answer without a tag, or that is no 200, is never confirmed', async (t) => {
  const plain: HttpResponse = { ...page, headers }
  t.equal(unlessKnown(plain, ['If-None-Match', '*']), plain)
  const failed: HttpResponse = { ...page, status: 503 }
  t.equal(unlessKnown(failed, ['If-None-Match', tag]), failed)
})
