/** `write` makes the answer of the line that `question` asks for. */
export type Choice = Readonly<{ title: string, write: (line: string) => string } & (
  { question: string, problem: string } | { question?: undefined }
)>

/** An item of a list in `ALLOW`: what `.env`, a shell or a policy gives a meaning to is escaped. */
const escaped = (item: string): string =>
  Array.from(item.trim(), (letter) => /[\w.+@-]/.test(letter) ? letter : percent(letter)).join('')
const percent = (letter: string): string =>
  Buffer.from(letter).reduce((text, byte) => `${text}%${byte.toString(16).toUpperCase().padStart(2, '0')}`, '')

const listOf = (parameter: string) => (line: string): string => `${parameter}=${line.split(',').map(escaped).join()}`

/** The first is what an empty line chooses. */
export const CHOICES: readonly Choice[] = [
  {
    title: 'only me',
    question: 'Your e-mail address, as you sign in with it',
    write: listOf('email'),
    problem: 'that is not an e-mail address'
  },
  {
    title: 'these people',
    question: 'Their e-mail addresses, separated by commas',
    write: listOf('email'),
    problem: 'one of these is not an e-mail address'
  },
  {
    title: 'everyone at a domain',
    question: 'The domain of their e-mail addresses, such as example.com',
    write: (line) => listOf('email_domain')(line.replace(/^@/, '')),
    problem: 'that is not a domain'
  },
  {
    title: 'people with a role',
    question: "The role's key in Authgear's portal, such as staff",
    write: listOf('role'),
    problem: 'a key has letters, digits, ":" and "_", and does not begin with a digit'
  },
  { title: 'everyone who can register, anonymous users too', write: () => 'anyone' }
]

/** True if a rule asks for an address, which Authgear's resolver does not know. */
export const asksAddress = (allow: string): boolean => /(?:^|\s)email(?:_domain)?=/.test(allow)

/** The fields of a profile that are read, with the address. @param fields IDENTITY_PROFILE so far */
export function withAddress (fields = ''): string {
  const known = fields.split(',').map((field) => field.trim()).filter((field) => field !== '')
  return [...new Set([...known, 'email'])].join()
}
