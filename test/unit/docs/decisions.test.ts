import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const FOLDER = join(import.meta.dirname, '../../../docs/inside/decisions')
const MOST_WORDS = 250

const decisions = readdirSync(FOLDER).filter((name) => /^\d{3}-[a-z\d-]+\.md$/.test(name))

t.test('a decision begins with its title and status, and has at most 250 words', async (t) => {
  t.ok(decisions.length > 70)
  for (const name of decisions) {
    const text = readFileSync(join(FOLDER, name), 'utf8')
    t.match(text, new RegExp(`^# ${name.slice(0, 3)} .+\n\n\\*\\*Status\\*\\* (?:accepted|replaced|rejected)`), name)
    t.ok((text.match(/\S+/g) ?? []).length <= MOST_WORDS, `${name}: what is longer belongs on a page of docs/inside`)
    for (const part of ['Context', 'Decision', 'Consequences']) t.ok(text.includes(`**${part}**`), `${name}: ${part}`)
  }
})
