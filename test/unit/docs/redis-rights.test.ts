import { readFileSync } from 'node:fs'
import t from 'tap'

/** Texts that code joins over several lines are one. */
const file = (path: string): string =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8').replace(/' \+\s+'/g, '')

// test/contract/redis-acl.all.test.ts runs the line of docs/redis.md against a real server
t.test('the rights of the user of Redis are the same wherever they are written', async (t) => {
  const [rights = ''] = /~forward-auth:\* .*$/m.exec(file('docs/redis.md')) ?? []
  t.match(rights, /-@all .*\+eval/)
  for (const path of ['docs/docker.md', 'deploy/compose/secrets.mjs']) t.ok(file(path).includes(rights), path)
  const [, withoutKeys = 'none'] = / (resetchannels .*)$/.exec(rights) ?? []
  t.ok(file('deploy/kubernetes/chart/templates/_redis.tpl').includes(withoutKeys), 'the chart, for a prefix of its own')
})
