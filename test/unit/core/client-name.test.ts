import t from 'tap'
import { namesOfClient, readClientName } from '../../../src/base/core/client-name.ts'

function nameOf (text: string): string {
  const reading = readClientName(text)
  if (reading.kind === 'problem') throw new Error(`${text} ${reading.why}`)
  return reading.name
}

const isBlockedBy = (name: string, clientId: string): boolean =>
  namesOfClient(clientId).some((one) => one === nameOf(name))

/** Of one client: the host, and its document. */
const SPELLINGS: readonly string[] = [
  'https://evil.example/agent.json',
  'HTTPS://EVIL.EXAMPLE/agent.json',
  'https://eViL.example:443/agent.json',
  'https://evil.example./agent.json',
  'https://evil.example..:443/agent.json',
  'https://user@evil.example/agent.json',
  'https://user:password@evil.example/agent.json',
  'https://good.example@evil.example/agent.json',
  'https://good.example:443@evil.example/agent.json',
  'https://ev%69l.example/agent.json',
  'https://evil%2Eexample/agent.json',
  'https://evil.example/%61gent.json',
  'https://evil.example/agent%2Ejson',
  'https://evil.example/./agent.json',
  'https://evil.example/x/../agent.json',
  'https://evil.example/x/%2e%2E/agent.json',
  'https://evil.example/agent.json#',
  'https://evil.example/agent.json#fragment',
  'https:evil.example/agent.json',
  'https:/evil.example/agent.json',
  'https:///evil.example/agent.json',
  'https:\\\\evil.example\\agent.json'
]

t.test('no spelling of an id escapes the block of its host, or of its document', async (t) => {
  for (const id of SPELLINGS) {
    t.ok(isBlockedBy('https://evil.example', id), id)
    t.ok(isBlockedBy('https://evil.example/agent.json', id), `${id}: its document`)
    t.notOk(isBlockedBy('https://*.evil.example', id), `${id}: a host is not below itself`)
  }
})

/** Ids, and the name that must not refuse them. */
const OTHERS: ReadonlyArray<readonly [name: string, id: string]> = [
  ...[
    'https://notevil.example/agent.json',
    'https://sub.evil.example/agent.json',
    'https://evil.example.good.example/agent.json',
    'https://evil.example@good.example/agent.json',
    'https://evil.example:443@good.example/',
    'https://good.example/evil.example',
    'https://good.example/https://evil.example/agent.json',
    'https://good.example/?x=https://evil.example',
    'https://good.example/#@evil.example',
    'https://good.example\\@evil.example/',
    'https://evil.example:8443/agent.json',
    'https://evil.examplee/agent.json',
    'https://evil-example/agent.json',
    'http://evil.example/agent.json',
    'evil.example',
    'dcrc_https://evil.example',
    ' https://evil.example/',
    'https://'
  ].map((id) => ['https://evil.example', id] as const),
  ['https://evil.example/agent.json', 'https://evil.example/agent.json?x=1'],
  ['https://evil.example/agent.json', 'https://evil.example/AGENT.json'],
  ['https://evil.example/agent.json', 'https://evil.example/agent%2Fjson'],
  ['https://evil.example/agent.json', 'https://evil.example/agent.json/'],
  ['https://*.evil.example', 'https://evil.example/agent.json'],
  ['https://*.evil.example', 'https://notevil.example/agent.json'],
  ['https://*.evil.example', 'https://a.evil.example:8443/agent.json'],
  ['https://evil.example:8443', 'https://evil.example/agent.json'],
  ['dcrc_1', 'DCRC_1'],
  ['dcrc_1', 'dcrc_11'],
  ['dcrc_1', 'dcrc_1 '],
  ['dcrc_1', 'dcrc_%31'],
  ['dcrc_1', 'https://dcrc_1/']
]

t.test('a block refuses nobody else', async (t) => {
  for (const [name, id] of OTHERS) t.notOk(isBlockedBy(name, id), `${name} and ${id}`)
})

/** Names, and what is blocked by them. */
const MATCHES: ReadonlyArray<readonly [name: string, id: string]> = [
  ['dcrc_1', 'dcrc_1'],
  ['agent:with/slash?and#hash', 'agent:with/slash?and#hash'],
  ['https://evil.example', 'https://evil.example'],
  ['https://evil.example', 'https://evil.example?x=1'],
  ['HTTPS://EVIL.example.', 'https://evil.example/agent.json'],
  ['https://evil.example:443', 'https://evil.example/agent.json'],
  ['https://evil.example:8443', 'https://evil.example:8443/agent.json'],
  ['https://*.evil.example', 'https://a.evil.example/agent.json'],
  ['https://*.evil.example', 'https://a.b.EVIL.example./agent.json'],
  ['https://*.evil.example:8443', 'https://a.evil.example:8443/agent.json'],
  ['https://bücher.example', 'https://xn--bcher-kva.example/agent.json'],
  ['https://xn--bcher-kva.example', 'https://XN--BCHER-KVA.example/agent.json'],
  ['https://127.0.0.1', 'https://0x7f.1/agent.json'],
  ['https://[::1]', 'https://[0:0:0:0:0:0:0:1]/agent.json']
]

t.test('a name blocks its client, its host, or what is below it', async (t) => {
  for (const [name, id] of MATCHES) t.ok(isBlockedBy(name, id), `${name} and ${id}`)
})

/** What is no name, and why. */
const PROBLEMS: ReadonlyArray<readonly [text: string, why: RegExp]> = [
  ['', /empty/],
  ['a b', /character/],
  ['a\n', /character/],
  ['é', /character/],
  ['x'.repeat(257), /longer/],
  [`https://${'ü'.repeat(60)}.example/${'x'.repeat(180)}`, /longer/],
  ['*.evil.example', /https:\/\/\*\./],
  ['https:', /not an https/],
  ['https://', /not an https/],
  ['https:evil.example', /not an https/],
  ['https:///evil.example', /not an https/],
  ['https:\\\\evil.example', /not an https/],
  ['https://user@evil.example', /user name/],
  ['https://@evil.example', /user name/],
  ['https://user@evil.example/agent.json', /user name/],
  ['https://*', /not a host name/],
  ['https://*.*.example', /not a host name/],
  ['https://a.*.example', /not a host name/],
  ['https://%2A.com', /not a host name/],
  ['https://%2a.shared.example', /not a host name/],
  ['https://*.%2A.example', /not a host name/],
  ['https://*.com', /top-level/],
  ['https://*.com.', /top-level/],
  ['https://*.127.0.0.1', /address/],
  ['https://*.0x7f.1', /address/],
  ['https://evil.example/', /leave out the slash/],
  ['https://evil.example/./#x', /leave out the slash/],
  ['https://*.evil.example/agent.json', /after its host|not a URL/],
  ['https://evil.example:99999', /not a host name/],
  ['https://evil example', /not a (host name|URL)/]
]

t.test('reports a name that matches no client instead of ignoring it', async (t) => {
  for (const [text, why] of PROBLEMS) t.match(readClientName(text), { kind: 'problem', why }, text.slice(0, 60))
})

/** Hosts that Go's parser takes, and `URL` here refuses, of some by Node 20 alone: their clients would have no host. */
const UNPARSED: readonly string[] = [
  'https://xn--a.evil.example/agent.json',
  'https://user@XN--a.EVIL.example.:443/agent.json',
  'https://a<b.evil.example/agent.json',
  'https://A<b.EVIL.example.:443/agent.json',
  'https://user@a>b.evil.example/agent.json',
  'https://a^b.evil.example?x#y',
  'https://xn--\u00e9.evil.example/agent.json'
]

t.test('an id that is not a URL here still belongs to its host', async (t) => {
  for (const id of UNPARSED) {
    t.ok(isBlockedBy('https://*.evil.example', id), id)
    t.notOk(isBlockedBy('https://evil.example', id), id)
    t.notOk(isBlockedBy('https://*.good.example', id), id)
  }
  t.notOk(isBlockedBy('https://*.evil.example', 'https://a<b.good.example/x@y.evil.example/'))
  t.notOk(isBlockedBy('https://*.evil.example', 'https://a<b.evil.example:8443/'))
})

t.test('the longest id has few names', async (t) => {
  const id = `https://${'a.'.repeat(100)}example/${'x'.repeat(40)}`
  t.ok(namesOfClient(id).length <= 130, String(namesOfClient(id).length))
})
