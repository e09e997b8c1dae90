import t from 'tap'
import { changesTo, pagesForUsers, published, textOf } from '../../../docs/published.ts'

const IMAGE = 'ghcr.io/owner/repository:1.2.3'

/** What a page may build from source after the first release, too: Kubernetes' demo, benchmarks, our tests. */
const IN_A_CLONE = /^docker build .* -t authgear-forward-auth(-demo)?:test .*$|npm ci && npm (run bench|test)/gm

t.test('pages for users name nothing that is not published yet', async (t) => {
  for (const page of pagesForUsers) {
    t.notMatch(textOf(page), /\bnpx\b(?! tap )|\bnpm (?:i|install|exec)\b.* authgear-forward-auth|docker pull/, page)
  }
})

t.test('once published, no page builds what it can pull', async (t) => {
  for (const page of pagesForUsers) {
    const text = published(textOf(page), IMAGE).replaceAll(IN_A_CLONE, '')
    t.notMatch(text, /npm ci|npm run (build|demo)|docker build |is published yet|no release yet|node dist\//, page)
  }
  const readme = published(textOf('README.md'), IMAGE)
  for (const command of ['npx authgear-forward-auth demo', 'npx authgear-forward-auth init', `docker pull ${IMAGE}`]) {
    t.match(readme, command)
  }
})

t.test('each change changes something', async (t) => {
  let texts = pagesForUsers.map(textOf)
  for (const [before, after] of changesTo(IMAGE)) {
    t.ok(texts.some((text) => text.includes(before)), before)
    texts = texts.map((text) => text.replaceAll(before, after))
  }
})
