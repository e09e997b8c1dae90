import fc from 'fast-check'
import t from 'tap'
import {
  type Files, FORWARDED_REQUEST_HEADERS, identityOf, type Settings
} from '../../../src/commands/snippet/settings.ts'
import { HOP_HEADERS } from '../../../src/commands/snippet/guards.ts'
import { readOptions } from '../../../src/commands/snippet/options.ts'
import { limitsOf, PROXIES, type ProxyName, templateOf } from '../../../src/commands/snippet/proxies.ts'
import { SETS } from '../../../src/base/identity/sets.ts'
import { holds } from '../../helpers/property.ts'
import { ALL_SENT, errorsOf, SENT, settingsOf, textOf } from './snippet-of.ts'

const LONG = `X-${'Ab-'.repeat(20)}Xy`
/** What is in use, by the options that say so. */
const USES: ReadonlyArray<readonly [options: readonly string[], names: readonly string[]]> = [
  ...(['remote', 'forwarded', 'webauth'] as const).map((set) =>
    [['--identity', set], SETS[set].map(({ name }) => name)] as const),
  [['--identity', `X-My-User={username},${LONG}={email}`], ['X-My-User', LONG]],
  ...SENT.map(({ option, names }) => [[option], names] as const),
  [['--identity', 'X-My-User={user},remote', ...ALL_SENT, '--policy', '/=identity=webauth&audience=a.b:c'],
    ['X-My-User', ...[...SETS.remote, ...SETS.webauth].map(({ name }) => name), ...SENT.flatMap(({ names }) => names)]],
  [['--identity', 'none,forwarded', '--policy', '/=identity=forwarded'], SETS.forwarded.map(({ name }) => name)]
]
/** What an app may trust, whether this deployment sends it or not. */
const ALWAYS = [...Object.values(SETS).flat().map(({ name }) => name), ...SENT.flatMap(({ names }) => names)]
const ROUTES = [[], ['--policy', '/grafana=identity=webauth'], ['--policy', '/admin=role=admin']]
const LOGIN = [[], ['--no-login']]
const TLS = [[], ['--forward-auth', 'https://forward-auth:4180']]

const fileOf = (files: Files, name: string): string => files[name] ?? ''
const count = (text: string, part: string): number => text.split(part).length - 1
const matches = (text: string, expression: RegExp): readonly RegExpExecArray[] => [...text.matchAll(expression)]

/** Every list that the expression finds has the name. */
function inEach (text: string, expression: RegExp, name: string, least: number): boolean {
  const lists = matches(text, expression).map(([, list = '']) => list.toLowerCase().split(/[^a-z0-9-]+/))
  return lists.length >= least && lists.every((list) => list.includes(name.toLowerCase()))
}

/** Every expression that the text holds matches the name, and none that is only longer. */
function matchedByEach (text: string, expression: RegExp, name: string, least: number): boolean {
  const patterns = matches(text, expression).map(([, one = '']) => new RegExp(one.replaceAll('$$', '$').slice(4), 'i'))
  return patterns.length >= least &&
    patterns.every((one) => one.test(name) && one.test('X-Authgear-User-Id') && !one.test(`${name}s`))
}

/** Is there an expression, among those, that matches the name with any other character for its dashes? */
function stripsAliases (text: string, expression: RegExp, name: string): boolean {
  const patterns = matches(text, expression)
    .map(([, one = '']) => new RegExp(`^${one.replaceAll(/[$^]$|^\^|^\(\?i\)/g, '')}$`))
  return ['-', '_', '.', '~'].every((char) => {
    const alias = name.toLowerCase().replaceAll('-', () => char)
    return patterns.some((one) => one.test(alias))
  })
}

type Places = Readonly<Record<'strips' | 'copies', (files: Files, name: string, settings: Settings) => boolean>>
const inUse = ({ outgoing }: Settings, name: string): boolean =>
  outgoing.some((one) => one.toLowerCase() === name.toLowerCase())
const policiesOf = ({ routes }: Settings): number => routes.length + 1

/** By gRPC forward-auth sets and removes each name itself: test/parts/grpc/unit/exchange.test.ts. */
const BY_ANSWER = (): boolean => true

const TRAEFIK_PATTERN = /authResponseHeadersRegex[:=] ?"?(\(\?i\)[^"\n]*)/g
function matchedByAll (files: Files, name: string, settings: Settings): boolean {
  const text = textOf(files)
  const least = text.includes('<<: *forwardAuth') ? 1 : policiesOf(settings) // an anchor of YAML repeats it
  return matchedByEach(text, TRAEFIK_PATTERN, name, least)
}
const traefikPlaces = (cleaned: (name: string) => string, alias: string): Places => ({
  // its middleware deletes what it may copy; aliases go at the entry point; `clean` is for routes that ask nobody
  strips: (files, name, settings) => matchedByAll(files, name, settings) &&
    textOf(files).includes(cleaned(name)) && textOf(files).includes(alias) &&
    (!settings.login || /middlewares?[:=] ?\[?(\{ name: )?clean|name: clean \} \}/.test(textOf(files))),
  copies: BY_ANSWER // what it deletes, where the answer has it
})
const LUA_STRIPS = (files: Files, name: string): boolean =>
  inEach(textOf(files), /local identity = \{(.*)\}/g, name.toLowerCase(), 1) &&
    textOf(files).includes('identity[name:gsub("[^a-z0-9]", "-")]')

/** One row for each proxy: where a name must stand. */
const LABELS = traefikPlaces((name) => `clean.headers.customrequestheaders.${name}=\n`, 'aliasheadersstrategy=delete')

const PLACES: Readonly<Record<ProxyName, Places>> = {
  traefik: traefikPlaces((name) => ` ${name}: ""`, 'aliasHeadersStrategy: delete'),
  'traefik-labels': {
    ...LABELS,
    // beside the stack, whose Traefik deletes aliases and whose own middlewares take every set: deploy/compose/own
    strips (files, name, settings) {
      if (!settings.forwardAuth.tls) return LABELS.strips(files, name, settings)
      const [text, isPlain] = [textOf(files), settings.outgoing.length === 0]
      const cleaned = isPlain ? '.middlewares=authgear-clean@file\n' : `--clean.headers.customrequestheaders.${name}=\n`
      return (!settings.login || text.includes(cleaned)) &&
        matchedByEach(text, TRAEFIK_PATTERN, name, policiesOf(settings) - (isPlain ? 1 : 0))
    }
  },
  'traefik-kubernetes': traefikPlaces((name) => ` ${name}: ""`, 'aliasheadersstrategy=delete'),
  'gateway-api': traefikPlaces((name) => ` ${name}: ""`, 'aliasheadersstrategy=delete'),
  caddy: {
    strips: (files, name) => textOf(files).includes(`\t\trequest_header -${name}\n`) &&
      [..."_.~!#$%&'*+^`|"].every((char) => textOf(files).includes(`request_header -*${char}*\n`)),
    copies: (files, name) => inEach(textOf(files), /copy_headers (.*) #/g, name, 1)
  },
  nginx: {
    strips: (files, name) => fileOf(files, 'authgear_none.inc').includes(`proxy_set_header ${name} "";\n`) &&
      fileOf(files, 'authgear_app.inc').includes(`proxy_set_header ${name} `),
    copies (files, name) {
      const app = fileOf(files, 'authgear_app.inc')
      const [, variable = ''] = new RegExp(`^proxy_set_header ${name} (\\$[a-z0-9_]+);$`, 'm').exec(app) ?? []
      const upstream = `$upstream_http_${name.toLowerCase().replaceAll('-', '_')}`
      return app.includes(`auth_request_set ${variable} ${upstream};\n`) && count(app, `auth_request_set ${variable} `) === 1
    }
  },
  envoy: {
    strips: (files, name) => stripsAliases(textOf(files), /remove_on_match: .*regex: "(.*)"/g, name),
    copies: (files, name) => inEach(textOf(files), /allowed_upstream_headers: (.*)/g, name, 1)
  },
  'envoy-grpc': {
    strips: (files, name) => stripsAliases(textOf(files), /remove_on_match: .*regex: "(.*)"/g, name),
    copies: BY_ANSWER
  },
  'envoy-prefix': {
    strips: LUA_STRIPS, copies: (files, name) => inEach(textOf(files), /allowed_upstream_headers: (.*)/g, name, 1)
  },
  haproxy: {
    strips: (files, name) => stripsAliases(textOf(files), /del-header \(\?i\)(\^.*) -m reg/g, name),
    copies: (files, name) => inEach(textOf(files), /local IDENTITY = \{(.*)\}/g, name, 1)
  },
  apisix: {
    strips: (files, name, settings) => LUA_STRIPS(files, name) &&
      count(textOf(files), 'serverless-pre-function:') === policiesOf(settings) + (settings.login ? 1 : 0),
    copies: (files, name, settings) => inEach(textOf(files), /upstream_headers: \[(.*)\]/g, name, policiesOf(settings))
  },
  'envoy-gateway': {
    strips: (files, name) => stripsAliases(textOf(files), /type: RegularExpression, value: "(.*)" \}/g, name),
    copies: (files, name, settings) =>
      count(textOf(files), `      - ${name.toLowerCase()}\n`) === policiesOf(settings) + 1 // the Gateway's own
  },
  'envoy-gateway-grpc': {
    strips: (files, name) => stripsAliases(textOf(files), /type: RegularExpression, value: "(.*)" \}/g, name),
    copies: BY_ANSWER
  }
}

const OPTIONS = ROUTES.flatMap((routes) =>
  LOGIN.flatMap((login) => TLS.map((tls): readonly string[] => [...routes, ...login, ...tls])))

for (const proxy of PROXIES) {
  t.test(`${proxy}: every name in use is stripped and copied, on every route`, async (t) => {
    const missing: string[] = []
    let walked = 0
    for (const [use, names] of USES) {
      for (const options of OPTIONS) {
        const settings = settingsOf(...use, ...options)
        if (limitsOf(proxy, settings).length > 0) continue
        const files = templateOf(proxy)(settings)
        const ofRoute = options.includes('/grafana=identity=webauth') ? SETS.webauth : []
        const all = new Set([...names, ...ofRoute.map(({ name }) => name)])
        for (const name of all) {
          const { strips, copies } = PLACES[proxy]
          if (!strips(files, name, settings)) missing.push(`strips ${name}: ${[...use, ...options].join(' ')}`)
          if (!copies(files, name, settings)) missing.push(`copies ${name}: ${[...use, ...options].join(' ')}`)
          walked++
        }
      }
    }
    t.strictSame(missing, [])
    t.ok(walked >= 28, `${walked} names were looked for`)
  })

  t.test(`${proxy}: without --identity every set's name is stripped, and none is copied`, async (t) => {
    const { strips, copies } = PLACES[proxy]
    const wrong: string[] = []
    for (const options of [...OPTIONS, ...USES.map(([use]) => use)]) {
      const settings = settingsOf(...options)
      if (limitsOf(proxy, settings).length > 0) continue
      const files = templateOf(proxy)(settings)
      for (const name of ALWAYS) {
        if (!strips(files, name, settings)) wrong.push(`does not strip ${name}: ${options.join(' ')}`)
        if (copies === BY_ANSWER || inUse(settings, name)) continue
        if (copies(files, name, settings)) wrong.push(`copies ${name}: ${options.join(' ')}`)
      }
    }
    t.strictSame(wrong, [])
  })
}

t.test('these places see a name that is missing', async (t) => {
  for (const proxy of PROXIES) {
    const settings = settingsOf('--identity', 'remote')
    const files = templateOf(proxy)(settings)
    const { strips, copies } = PLACES[proxy]
    if (strips !== BY_ANSWER) t.notOk(strips(files, 'X-My-User', settings), `${proxy} strips it`)
    if (copies !== BY_ANSWER) t.notOk(copies(files, 'X-My-User', settings), `${proxy} copies it`)
  }
})

t.test('each name once, as it was first written', async (t) => {
  const settings = settingsOf('--identity', 'REMOTE-USER={email}', '--policy', '/x=identity=remote')
  t.strictSame(settings.outgoing, ['REMOTE-USER', 'Remote-Email', 'Remote-Name', 'Remote-Groups'])
  t.equal(identityOf(settings).length, 14)
})

t.test('the innermost route chooses the set and the audience, and all rules hold', async (t) => {
  const { policy, routes } = settingsOf('--policy', '/=anonymous=false&identity=remote&audience=all',
    '--policy', '/grafana=identity=webauth', '--policy', '/grafana/x=audience=x', '--policy', '/y=role=a')
  t.equal(policy, 'anonymous=false&identity=remote&audience=all')
  t.strictSame(routes.map(({ path, policy }) => [path, policy]), [
    ['/grafana/x', 'anonymous=false&identity=webauth&audience=x'],
    ['/grafana', 'anonymous=false&audience=all&identity=webauth'],
    ['/y', 'anonymous=false&identity=remote&audience=all&role=a']
  ])
})

const WRONG: ReadonlyArray<readonly [args: readonly string[], error: RegExp]> = [
  [['--identity', 'nginx'], /^--identity "nginx" is not a set of headers: write remote, forwarded, webauth/],
  [['--identity', 'Remote-User={email},remote'], /^--identity "remote-user" is listed twice/],
  [['--identity', 'X_My_User={email}'], /^--identity "X_My_User" must be 64 letters, digits and dashes/],
  [['--identity', 'Connection={email}'], /^--identity "Connection" is reserved/],
  [['--identity', 'remote', '--identity', 'webauth'], /^--identity is given twice/],
  [['--identity'], /^--identity needs a value/],
  [['--https=on'], /^--https takes no value/],
  [['--policy', '/x=identity=nginx'], /identity takes remote or forwarded or webauth/],
  [['--policy', '/x=audience=a b'], /audience has a value that cannot be one/],
  [['--policy', '/x=identity=remote&identity=webauth'],
    /^--policy "\/x" has two values of identity=: its app would get none/],
  [['--policy', '/x=audience=a', '--policy', '/x=audience=b'], /^--policy "\/x" has two values of audience=/],
  [['--policy', '/=identity=remote&identity=webauth'], /^--policy "\/" has two values of identity=/],
  [['--policy', '/x=tool=a', '--policy', '/x/y=prompt=b'],
    /^--policy "\/x\/y" lies in "\/x", and both have rules by tool: .* such as "\/x-y"/],
  [['--policy', '/=tool=a', '--policy', '/x/y=prompt=b'], /lies in "\/", and both have rules by tool/],
  [['--policy', '/x=resource_uri=file:///a%26b'], /a prompt and a URI have A-Z, a-z, 0-9 and /]
]
for (const [args, error] of WRONG) {
  t.test(`${args.join(' ')} has its sentence`, async (t) => {
    const errors = errorsOf(...args)
    t.equal(errors.length, 1, JSON.stringify(errors))
    t.match(errors[0], error)
  })
}

t.test('no header that the proxy itself needs may be one', async (t) => {
  const others = ['Connection', 'Upgrade', 'Host', 'X-Forwarded-For']
  for (const name of [...FORWARDED_REQUEST_HEADERS, ...HOP_HEADERS, ...others]) {
    t.equal(errorsOf('--identity', `${name}={user}`).length, 1, name)
  }
})

t.test('a hostile --identity is refused, or holds letters, digits and dashes', async (t) => {
  let accepted = 0
  const part = fc.constantFrom(
    ...'\n\r\t"\'`{}[]()<>;#$\\%*?&|=,: /@!~^+_.-\0', 'remote', 'webauth', 'X-A={email}', '{user}', 'X-', 'b', '='
  )
  await holds(t, fc.property(fc.array(part, { minLength: 1, maxLength: 8 }).map((parts) => parts.join('')), (text) => {
    const reading = readOptions(['caddy', `--identity=${text}`])
    if (reading.kind !== 'options') return
    accepted++
    for (const name of reading.options.settings.outgoing) {
      if (!/^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(name)) throw new Error(name)
    }
  }), 3000)
  t.ok(accepted > 20, `${accepted} were accepted`)
})

t.test('nginx holds the longest answer where more names go out', async (t) => {
  for (const [options, size] of [
    [[], '16k'], [['--identity', 'remote'], '64k'], ...ALL_SENT.map((option) => [[option], '64k'] as const)
  ] as const) {
    const settings = settingsOf(...options)
    t.match(fileOf(templateOf('nginx')(settings), 'authgear_call.inc'), `proxy_buffer_size ${size};`)
  }
})
