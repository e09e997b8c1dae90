// `npm run parts`: what is left of src compiles and keeps its imports in order when a part is removed with its folder,
// its lines in src/parts/index.ts and those in src/app/service.ts (test/parts/in-service.mjs): each part by itself, and
// all of them; then the base's own tests run without any.
// With names of parts, these alone: `npm run parts -- events`.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inService } from './parts/in-service.mjs'

const root = join(import.meta.dirname, '..')
const folders = readdirSync(join(root, 'src/parts'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory()).map(({ name }) => name)
let [passed, failed] = [0, 0]

/** The tree as it is, in a folder of its own: files that git knows, or would. */
function copyTree () {
  const copy = mkdtempSync(join(tmpdir(), 'parts-'))
  const listed = ['ls-files', '--cached', '--others', '--exclude-standard', '-z']
  for (const file of execFileSync('git', listed, { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean)) {
    try { cpSync(join(root, file), join(copy, file)) } catch (error) { if (error.code !== 'ENOENT') throw error }
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  // src alone: the tests of the part that is removed would not compile
  writeFileSync(join(copy, 'src/tsconfig.json'), JSON.stringify({
    extends: '../tsconfig.json', include: ['.'], compilerOptions: { noUnusedLocals: false, noUnusedParameters: false }
  }))
  return copy
}

/** Takes the part's folder away, its tests, its name out of the list, and what opens it. */
function remove (copy, part, isAlone) {
  rmSync(join(copy, 'src/parts', part), { recursive: true })
  rmSync(join(copy, 'test/parts', part), { recursive: true, force: true })
  const index = join(copy, 'src/parts/index.ts')
  const text = readFileSync(index, 'utf8')
  const [, value] = new RegExp(`^import \\{ (\\w+) \\} from '\\./${part}/index\\.ts'\\n`, 'm').exec(text) ?? []
  if (value === undefined) throw new Error(`src/parts/index.ts has no line for ${part}`)
  const without = text.replace(new RegExp(`^import .*'\\./${part}/index\\.ts'\\n`, 'm'), '')
    .replace(/(?<=^const all = \[)[^\]]*/m,
      (names) => names.split(',').filter((name) => name.trim() !== value).join(','))
  writeFileSync(index, without)
  const service = join(copy, 'src/app/service.ts')
  writeFileSync(service, inService[part].reduce((before, [gone, instead = '']) => {
    const after = before.replace(gone, instead)
    // the line may have gone with another part
    if (isAlone && after === before) throw new Error(`src/app/service.ts has no ${gone}: mend test/parts/in-service.mjs`)
    return after
  }, readFileSync(service, 'utf8')))
}

/** All but those of what is made of the whole: the documentation, the commands and what is deployed. */
const OF_THE_WHOLE = ['docs', 'commands', 'deploy', 'forms']

function ofTheBase () {
  return readdirSync(join(root, 'test/unit')).filter((name) => !OF_THE_WHOLE.includes(name))
    .map((name) => join('test/unit', name))
}

function check (copy, what, command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: copy, encoding: 'utf8' })
  if (status === 0) passed++
  else failed++
  console.log(`${status === 0 ? 'ok' : 'not ok'} ${what}`)
  if (status !== 0) console.log(`${stdout}${stderr}`)
}

function tryWithout (removed, what) {
  const copy = copyTree()
  for (const part of removed) remove(copy, part, removed.length === 1)
  check(copy, `types without ${what}`, 'tsc', ['--noEmit', '--project', 'src'])
  check(copy, `imports without ${what}`, 'depcruise', [
    'src', '--config', '.dependency-cruiser.cjs', '--output-type', 'err'
  ])
  return copy
}

const asked = process.argv.slice(2)
for (const part of asked.length === 0 ? folders : asked) rmSync(tryWithout([part], part), { recursive: true })
if (asked.length === 0) {
  const base = tryWithout(folders, 'any part')
  check(base, 'unit tests of the base without any part', process.execPath, ['test/run/main.ts', ...ofTheBase()])
  rmSync(base, { recursive: true })
}
console.log(`${passed} passed, ${failed} failed, 0 skipped`)
process.exitCode = failed === 0 ? 0 : 1
