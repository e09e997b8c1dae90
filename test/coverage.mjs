// How much of src the tests ran, by V8's own records of the test files and of every process that they started:
// `node test/coverage.mjs [FOLDER]`. Exits 1 where fewer lines ran than should. A build joins many sources in one file
// (docs/inside/decisions/158-our-source-in-one-file.md), which needs a reader that knows each by its ranges.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CoverageReport } from 'monocart-coverage-reports'

/** Percent of the lines that are neither blank nor comment. */
const LEAST_LINES = 95
const [SRC, DIST] = ['src', 'dist'].map((folder) => new URL(`../${folder}/`, import.meta.url).href)

process.removeAllListeners('warning') // that stripTypeScriptTypes is experimental: Node itself runs the tests by it
const code = memoize((path) => {
  const text = readFileSync(path, 'utf8')
  return path.endsWith('.json') ? text : stripTypeScriptTypes(text)
})
const work = mkdtempSync(join(tmpdir(), 'coverage-'))
try {
  const folder = process.argv[2] ?? '.tap/coverage'
  for (const name of readdirSync(folder)) if (!isWhole(join(folder, name))) rmSync(join(folder, name))
  const files = union(await linesOf(folder, SRC), await linesOf(folder, DIST))
  const all = [...files.values()].map((lines) => [...lines.values()])
  for (const [path, lines] of files) {
    const percent = percentOf([...lines.values()])
    if (percent < LEAST_LINES) console.log(`${percent.toFixed(1).padStart(6)} %  ${path}`)
  }
  console.log(`lines: ${all.flat().filter(Boolean).length} of ${all.flat().length}, ${percentOf(all.flat()).toFixed(2)} %`)
  process.exitCode = percentOf(all.flat()) >= LEAST_LINES ? 0 : 1
} finally {
  rmSync(work, { recursive: true, force: true })
}

/** A process that is killed while it writes its record leaves a part of it. */
function isWhole (path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) !== null
  } catch {
    return false
  }
}

/**
 * Of the records of one origin: monocart calls a line of a source uncovered where a file that was joined of it did not
 * run it, though the source itself did.
 * @returns per source its lines, and whether each ran
 */
async function linesOf (folder, origin) {
  const report = new CoverageReport({
    logging: 'error',
    outputDir: work,
    reports: [['codecov']], // for its counts of each line
    entryFilter: ({ url }) => url.startsWith(origin),
    sourceFilter: (path) => path.includes('src/') && !path.endsWith('.json'), // data runs nothing
    onEntry: mapToSource,
    // those that nothing loaded
    all: { dir: fileURLToPath(SRC), filter: '**/*.ts', transformer: mapToSource }
  })
  await report.addFromDir(folder)
  const results = await report.generate()
  return new Map((results?.files ?? []).map(({ sourcePath, data }) => [sourcePath, ranOf(data.lines)]))
}

/** A count, or a text such as `1/2` for a line of which a part ran: that is none that ran. */
function ranOf (counts) {
  return new Map(Object.entries(counts).map(([line, count]) => [line, Number(count) > 0]))
}

function union (one, other) {
  for (const [path, lines] of other) {
    const known = one.get(path) ?? new Map()
    for (const [line, ran] of lines) known.set(line, known.get(line) === true || ran)
    one.set(path, known)
  }
  if (one.size === 0) throw new Error('there are no records of V8: run npm run test:all first')
  return one
}

function percentOf (lines) {
  return 100 * lines.filter(Boolean).length / Math.max(1, lines.length)
}

/** Every way that leads to a source names the same text: the one without types, in which each place is where it was. */
function mapToSource (entry) {
  const path = fileURLToPath(entry.url)
  if (entry.sourceMap === undefined && path.endsWith('.ts')) {
    entry.source = code(path)
  } else if (entry.sourceMap !== undefined || existsSync(`${path}.map`)) {
    entry.sourceMap ??= JSON.parse(readFileSync(`${path}.map`, 'utf8'))
    entry.sourceMap.sourcesContent = entry.sourceMap.sources.map((source) => code(pathOf(source, path)))
  }
}

/** @param source a URL, or a path from the folder of the file that was made of it */
function pathOf (source, path) {
  return source.startsWith('file:') ? fileURLToPath(source) : resolve(dirname(path), source)
}

function memoize (compute) {
  const known = new Map()
  return (key) => {
    if (!known.has(key)) known.set(key, compute(key))
    return known.get(key)
  }
}
