// How much of src the tests ran, by V8's own records of the test files and of every process that they started:
// `node test/coverage.mjs [FOLDER]`. Exits 1 where fewer lines ran than should. A build joins many sources in one file
// (docs/decisions/158-our-source-in-one-file.md), which needs a reader that knows each by its ranges.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CoverageReport } from 'monocart-coverage-reports'

/** Percent of the lines that are neither blank nor comment. */
const LEAST_LINES = 95
const [SRC, DIST] = ['src', 'dist'].map((folder) => new URL(`../${folder}/`, import.meta.url).href)

process.removeAllListeners('warning') // that stripTypeScriptTypes is experimental: Node itself runs the tests by it
const code = memoize((path) => stripTypeScriptTypes(readFileSync(path, 'utf8')))
const work = mkdtempSync(join(tmpdir(), 'coverage-'))
try {
  const { files, summary } = await read(process.argv[2] ?? '.tap/coverage')
  for (const { sourcePath, summary: { lines } } of files) {
    if (lines.total > 0 && lines.pct < LEAST_LINES) console.log(`${lines.pct.toFixed(1).padStart(6)} %  ${sourcePath}`)
  }
  for (const kind of ['lines', 'branches', 'functions']) {
    const { covered, total, pct } = summary[kind]
    console.log(`${kind}: ${covered} of ${total}, ${pct} %`)
  }
  process.exitCode = summary.lines.pct >= LEAST_LINES ? 0 : 1
} finally {
  rmSync(work, { recursive: true, force: true })
}

async function read (folder) {
  const report = new CoverageReport({
    logging: 'error',
    outputDir: work,
    reports: [['json-summary']],
    entryFilter: ({ url }) => url.startsWith(SRC) || url.startsWith(DIST),
    sourceFilter: (path) => path.includes('src/'),
    onEntry: mapToSource,
    // those that nothing loaded
    all: { dir: fileURLToPath(SRC), filter: '**/*.ts', transformer: mapToSource }
  })
  await report.addFromDir(folder)
  const results = await report.generate()
  if (results === undefined) throw new Error(`${folder} has no records of V8: run the tests with coverage first`)
  return results
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
