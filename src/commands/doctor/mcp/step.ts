import type { Ask, Reply } from './ask.ts'
import type { McpFindingId } from './findings.ts'

export type Given = Readonly<{
  /** The URL as clients send it. */
  url: string
  /** A valid access token; undefined: what needs one is skipped. */
  token: string | undefined
  /** The client to sign in as; undefined: only what any client can ask is asked. */
  client: Readonly<{ id: string, redirectUri: string | undefined }> | undefined
  /** Register a client, which stays at Authgear. */
  registers: boolean
  ask: Ask
}>

/** The challenge of the first 401. */
export type Advice = Readonly<{ metadata: string | undefined, scopes: readonly string[] }>
/** The metadata of the resource. */
export type ResourceMetadata = Readonly<{
  address: string
  resource: string
  issuer: string
  scopes: readonly string[]
}>
/** The metadata of the authorization server. */
type ServerMetadata = Readonly<{
  address: string
  authorize: string | undefined
  register: string | undefined
}>

/** What the steps learn from each other. */
export type Learnt = Readonly<{
  /** The answer to a client without a token, once it is a 401. */
  stranger?: Reply
  advice?: Advice
  resource?: ResourceMetadata
  server?: ServerMetadata
  /** The server's answer to a list of tools: an error by its code, or the name of a tool. */
  list?: Readonly<{ error: number | undefined, tool: string | undefined }>
}>

export type McpFound = readonly [id: McpFindingId, what: string]
export type Seen = Readonly<{
  findings?: readonly McpFound[]
  /** For a person who wants to know more, also where all is well. */
  notes?: readonly string[]
  /** Why nothing was looked at. */
  skipped?: string
  learnt?: Learnt
}>

/** One thing that a client does. */
export type Step = Readonly<{
  title: string
  /** Without it this step makes no sense. */
  needs?: keyof Learnt
  run: (given: Given, learnt: Learnt) => Promise<Seen>
}>
