import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const ROOT = join(import.meta.dirname, '../../..')
const TAG = 'https://github.com/owner/repository/blob/v1.2.3'
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }

function notes (...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'deploy/release-notes.mjs'), ...args], {
    encoding: 'utf8'
  })
  return { status, stdout, stderr }
}

t.test("a release's notes are its section of the changelog, and no other", async (t) => {
  const { status, stdout, stderr } = notes(version, TAG)
  t.strictSame({ status, stderr }, { status: 0, stderr: '' })
  const changelog = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8')
  const [, before = '', after = ''] = new RegExp(`^([^]*)^## \\[${version}\\].*$([^]*)`, 'm').exec(changelog) ?? []
  const [section = ''] = after.split(/^## /m)
  t.strictSame(stdout.match(/^- .*$/gm)?.length, section.match(/^- .*$/gm)?.length)
  t.ok(stdout.startsWith(section.trim().slice(0, 20)))
  t.notMatch(stdout, /^## /m)
  t.notOk(before.match(/^- .{40,}$/gm)?.some((line) => stdout.includes(line)), 'nothing that is unreleased')
})

t.test('every link of the notes leads somewhere', async (t) => {
  const links = [...notes(version, TAG).stdout.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link)
  t.ok(links.length > 0)
  for (const link of links.filter((one) => one.startsWith(TAG))) {
    t.ok(existsSync(join(ROOT, link.slice(TAG.length + 1).replace(/#.*/, ''))), link)
  }
  t.strictSame(links.filter((link) => !/^https:\/\//.test(link)), [])
})

t.test('a version that the changelog does not have is refused', async (t) => {
  for (const none of ['9.9.9', 'Unreleased', '', '0.1', '.*']) {
    t.match(notes(none, TAG), { status: 1, stdout: '', stderr: `CHANGELOG.md says nothing about ${none}` })
  }
  t.match(notes(version), { status: 1, stdout: '', stderr: 'usage: ' })
})
