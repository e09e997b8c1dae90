import { readArguments } from '../command-line.ts'
import { CLIENT_ID } from './login.ts'
import { ANSWER_NAMES, type AnswerName, type Answers, INIT_PROXIES, QUESTIONS } from './questions.ts'

export const USAGE = `usage: authgear-forward-auth init [--yes] [--proxy NAME] [--host NAME] [--app URL] [--endpoint URL] [--client ID] [--allow RULES] [--folder DIR] [--force]

  --proxy NAME    ${INIT_PROXIES.join(', ')} (caddy)
  --host NAME     the name that people open (localhost); another one than before is added to what is there
  --app URL       the app as the proxy reaches it (http://127.0.0.1:3000; http://app:8080 for traefik-labels)
  --endpoint URL  Authgear's endpoint, such as https://myapp.authgear.cloud (AUTHGEAR_ENDPOINT)
  --client ID     the client's id in Authgear's portal; without one nobody can sign in (${CLIENT_ID})
  --allow RULES   who may use it, as ALLOW says it: email_domain=example.com, role=staff, anyone (ALLOW)
  --folder DIR    where the files go (.)
  --yes           asks nothing: what neither an option nor the folder's .env says has the default above
  --force         overwrites files that are there, and writes them although Authgear does not answer

Asks for what neither an option nor .env says, looks whether Authgear answers, writes the proxy's files and .env, and
prints what to do next. The same .env serves Docker: docker run --env-file .env -e LISTEN=0.0.0.0:4180
-p 127.0.0.1:4180:4180 authgear-forward-auth
`

const TEXT = { type: 'string' } as const
const FLAG = { type: 'boolean', default: false } as const
const OPTIONS = {
  proxy: TEXT,
  host: TEXT,
  app: TEXT,
  endpoint: TEXT,
  client: TEXT,
  allow: TEXT,
  folder: { ...TEXT, default: '.' },
  yes: FLAG,
  force: FLAG,
  help: FLAG
} as const satisfies Readonly<Record<AnswerName | 'folder' | 'yes' | 'force' | 'help', object>>

export type InitOptions = Readonly<{
  given: Readonly<Partial<Record<AnswerName, string>>>
  folder: string
  isYes: boolean
  isForced: boolean
}>

/** @returns what is wrong as a sentence */
export function initOptions (args: readonly string[]): InitOptions | 'help' | string {
  const values = readArguments(args, OPTIONS, () => 'an option is unknown')
  if (typeof values === 'string') return values
  const { folder, yes, force, help, ...given } = values
  if (help) return 'help'
  for (const name of ANSWER_NAMES) {
    const text = given[name]
    const problem = text === undefined ? undefined : QUESTIONS[name].problemOf(text, given as Partial<Answers>)
    if (problem !== undefined) return `--${name}: ${problem}`
  }
  return { given, folder, isYes: yes, isForced: force }
}
