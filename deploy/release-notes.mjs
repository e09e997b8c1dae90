// release-notes.mjs VERSION URL: the changelog's section of that version, whose links to files of the repository work
// on a release's page. URL shows a file of the tag: https://github.com/OWNER/REPOSITORY/blob/vVERSION
import { readFileSync } from 'node:fs'

const [version, url] = process.argv.slice(2)
const changelog = readFileSync(new URL('../CHANGELOG.md', import.meta.url), 'utf8')

/** Up to the next version's heading. */
function sectionOf () {
  const sections = changelog.split(/^## /m)
  const section = sections.find((one) => one.startsWith(`[${version}] - `))
  return section?.slice(section.indexOf('\n')).trim() ?? ''
}

const absolute = (text) => text
  .replaceAll(/\]\(#/g, `](${url}/CHANGELOG.md#`)
  .replaceAll(/\]\((?!https?:)/g, `](${url}/`)

const section = sectionOf()
if (section === '' || !/^https:\/\//.test(url ?? '')) {
  console.error(section === '' ? `CHANGELOG.md says nothing about ${version}` : 'usage: release-notes.mjs VERSION URL')
  process.exitCode = 1
} else {
  console.log(absolute(section))
}
