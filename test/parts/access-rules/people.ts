import type { demo } from '../../helpers/simulator.ts'

/** The rules of the table, one a column. */
export const RULES = [
  'email_domain=example.com',
  'email=alice@example.com,a.b+c@example.com',
  'email_domain=xn--bcher-kva.example,example.org',
  'group=staff',
  'email_domain=example.com group=staff'
] as const

/** A kind of person: the user who becomes it, what Authgear says of them, and `+` for each rule that lets them in. */
export type Row = readonly [
  who: string,
  user: keyof typeof demo,
  attributes: Readonly<Record<string, unknown>>,
  groups: readonly string[],
  lets: string
]

const verified = (email: unknown): Row[2] => ({ email, email_verified: true })

/** Kinds of people. What Authgear says is compared as it is: nothing of it is folded but A to Z. */
export const PEOPLE: readonly Row[] = [
  ['a verified address', 'alice', verified('alice@example.com'), [], '++---'],
  ['the same, in a group', 'alice', verified('alice@example.com'), ['staff'], '++-++'],
  ['another verified address', 'alice', verified('zoe@example.com'), [], '+----'],
  ['upper case', 'alice', verified('ALICE@Example.COM'), ['ops', 'staff'], '++-++'],
  ['an address that is not verified', 'alice', { email: 'alice@example.com', email_verified: false }, [], '-----'],
  ['an address of which nobody says so', 'alice', { email: 'alice@example.com' }, ['staff'], '---+-'],
  ['verified, as a text', 'alice', { email: 'alice@example.com', email_verified: 'true' }, [], '-----'],
  ['verified, as a number', 'alice', { email: 'alice@example.com', email_verified: 1 }, [], '-----'],
  ['no address, but verified', 'alice', { preferred_username: 'alice@example.com', email_verified: true }, [], '-----'],
  ['nothing at all', 'alice', {}, [], '-----'],
  ['two addresses, of which Authgear names the other', 'alice', verified('alice@private.example'), ['staff'], '---+-'],
  ['two addresses in one text', 'alice', verified('alice@example.com,alice@example.org'), [], '-----'],
  ['a list of addresses', 'alice', verified(['alice@example.com']), [], '-----'],
  ['a sub-domain', 'alice', verified('alice@mail.example.com'), [], '-----'],
  ['a domain that ends alike', 'alice', verified('alice@notexample.com'), [], '-----'],
  ['a domain that begins alike', 'alice', verified('alice@example.com.evil.example'), [], '-----'],
  ['a full stop behind the domain', 'alice', verified('alice@example.com.'), [], '-----'],
  ['the domain as a local part', 'alice', verified('example.com@evil.example'), [], '-----'],
  ['two signs', 'alice', verified('alice@evil.example@example.com'), [], '-----'],
  ['a quoted local part', 'alice', verified('"alice@evil.example"@example.com'), [], '-----'],
  ['a look-alike in Cyrillic', 'alice', verified('alice@ехаmple.com'), [], '-----'],
  ['full-width letters in the domain', 'alice', verified('alice@ｅxample.com'), [], '-----'],
  ['a full-width stop in the domain', 'alice', verified('alice@example。com'), [], '-----'],
  ['full-width letters in the local part', 'alice', verified('ａlice@example.com'), [], '+----'],
  ['a dotless i', 'alice', verified('alıce@example.com'), [], '+----'],
  ['a soft hyphen in the domain', 'alice', verified('alice@exam\u{ad}ple.com'), [], '-----'],
  ['a Unicode domain', 'alice', verified('alice@bücher.example'), [], '--+--'],
  ['a Unicode domain in its ASCII form', 'alice', verified('alice@XN--bcher-kva.example'), [], '--+--'],
  ['a Unicode domain, decomposed', 'alice', verified('alice@bu\u{308}cher.example'), [], '-----'],
  ['plus and dots', 'alice', verified('a.b+c@example.com'), [], '++---'],
  ['the same dots elsewhere', 'alice', verified('ab+c@example.com'), [], '+----'],
  ['254 characters', 'alice', verified(`${'x'.repeat(242)}@example.com`), [], '+----'],
  ['255 characters', 'alice', verified(`${'x'.repeat(243)}@example.com`), [], '-----'],
  ['a control character', 'alice', verified('alice@example.com\u{1}'), [], '-----'],
  ['a line feed', 'alice', verified('alice@evil.example\nalice@example.com'), [], '-----'],
  ['a group in another case', 'alice', verified('alice@example.com'), ['Staff'], '++---'],
  ['a group of a similar name', 'alice', verified('alice@example.com'), ['staff_2', 'staf'], '++---'],
  ['an anonymous user', 'anonymous', {}, [], '-----'],
  ['a disabled user', 'dora', verified('alice@example.com'), ['staff'], '-----']
]
