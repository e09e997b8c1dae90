/** The ways that README.md has from an empty folder to a page for people who are signed in. */
export type Way = 'demo' | 'container' | 'compose' | 'second'

/** What somebody types for it, `git clone` and `cd` included, and how many lines of a file they write. */
export type Effort = Readonly<{ commands: number, lines: number }>

const CLONE_AND_CD = 2
const IN_FRONT = 'Put Authgear in front of any app'
const blocksUnder = (readme: string, heading: string, language: string): readonly string[] => {
  const [, section = ''] = readme.split(`\n## ${heading}\n`)
  const [text = ''] = section.split('\n## ')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}[^\\n]*\\n([^]*?)^\`\`\``, 'gm'))].map(([, block = '']) => block)
}
const linesOf = (block: string): readonly string[] => block.split('\n').filter((line) => line.trim() !== '')

/** The first block of commands. */
export const commandOfDemo = (readme: string): string => blocksUnder(readme, 'Try it', 'sh')[0]?.trimEnd() ?? ''

/** Besides the app's block: its middleware's line, and its host in `.env`. */
const LINES_OF_SECOND = 2

/**
 * @param env deploy/compose/.env.example: the lines at its top, without `#`, are those to write
 * @param second docs/second-app.md: `docker compose up -d` and `./roll.sh`
 */
export function effortOf (readme: string, env: string, second: string): Readonly<Record<Way, Effort>> {
  const [container = '', compose = ''] = blocksUnder(readme, IN_FRONT, 'sh')
  const [caddyfile = ''] = blocksUnder(readme, IN_FRONT, 'caddyfile')
  const [secondApp = ''] = blocksUnder(second, 'A second app', 'yaml')
  const commands = (block: string): number => CLONE_AND_CD + linesOf(block).length
  return {
    second: { commands: 2, lines: linesOf(secondApp).length + LINES_OF_SECOND },
    demo: { commands: commands(commandOfDemo(readme)), lines: 0 },
    container: { commands: commands(container), lines: caddyfile.trimEnd().split('\n').length },
    compose: { commands: commands(compose), lines: linesOf(env).filter((line) => /^[A-Z_]+=/.test(line)).length }
  }
}
