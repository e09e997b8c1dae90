/**
 * What a person removes from src/app/service.ts with a part, by the part's folder: the compiler leads to each of them.
 * @type {Readonly<Record<string, ReadonlyArray<readonly [gone: string | RegExp, instead?: string]>>>}
 */
export const inService = {
  tracing: [['open(on.tracing, given)?.wraps ?? UNTRACED', 'UNTRACED']],
  pages: [['open(on.pages, given)?.pages ?? PLAIN_TEXT', 'PLAIN_TEXT']],
  status: [
    ['  const status = open(on.status, { ...given, figures: settings.parts })\n'],
    ['status?.replicas() ?? 1', '1'],
    [/status\?\.management,? ?/]
  ],
  assertion: [
    ['  const assertion = open(on.assertion, given)\n'],
    ['const documents = assertion?.documents ?? []', 'const documents: readonly PublicDocument[] = []']
  ],
  events: [['  const events = open(on.events, given)\n'], [/,? events: events\?\.listener\(serving\)/]],
  'access-record': [
    ["  const record = open(on['access-record'], { ...given, tokenHeader })\n"],
    ['veto: record?.vetoes', 'veto: undefined']
  ],
  login: [
    ['const { login, profiles, handlerDeps }', 'const { profiles, handlerDeps }'],
    [`  const signIn = login?.signIn({
    handlerDeps, revocations, pages, traced: (handler) => wraps.handler('login', handler)
  })
`],
    ['pages, signIn, wraps }', 'pages, signIn: undefined, wraps }'],
    [',\n    ...signIn?.routes ?? []'],
    ['  const login = features.open(on.login, { ...given, revocations, sharedCache: shared.cache })\n'],
    ['login?.sessions?.resolve', 'undefined'],
    ['login?.sessions && { lend: login.sessions.lend, doubt: authenticator.confirm }', 'undefined'],
    ['login?.sessions?.read', 'undefined'],
    ['return { login, profiles', 'return { profiles']
  ],
  profile: [['features.open(on.profile, { ...given, revocations, loans })?.profiles', 'undefined']],
  'access-rules': [
    ["  const rules = features.open(on['access-rules'], given)?.rules\n"],
    ['rules: rules ?? NO_RULES', 'rules: NO_RULES']
  ],
  tokens: [
    [/ {2}const tokens = open\(on\.tokens, \{[^]*?\n {2}\}\)\n/],
    ['{ verify, ...tokens?.endpoints.handlers }', '{ verify }'],
    ['tokens?.endpoints.extAuthz ?? '],
    ['    ...tokens?.endpoints.routes ?? [],\n']
  ],
  clients: [
    ['  const clients = open(on.clients, given)\n'],
    ['clients: clients?.judge', 'clients: undefined'],
    ['clients?.judge.deleted ?? '],
    [/,? ?clients\?\.management/]
  ],
  'audit-log': [[/ {2}open\(on\['audit-log'\].*\n/]],
  identify: [
    ['  const identify = open(on.identify, given)?.listener({ ...serving, handlers })\n'],
    ['{ ...handlers, ...identify?.handlers }', 'handlers'],
    [/(?<=listenersOf\(.*\{ )identify,? /]
  ],
  grpc: [
    [/ {2}const grpc = .*\n/],
    [/grpc, |, grpc/]
  ]
}
