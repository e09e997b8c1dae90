import type { Json } from '../../../base/core/json.ts'
import { METADATA_PATH } from '../../../base/core/protected-resource.ts'
import { type Document, documentIn, isPrivate, shown, stringsIn } from './ask.ts'
import type { Learnt, McpFound, ResourceMetadata, Step } from './step.ts'

/** Of the resource, at each address that clients try (RFC 9728). */
export const resourceMetadata: Step = {
  title: 'the metadata of the resource',
  needs: 'stranger',
  async run ({ url, ask }, { advice }) {
    const asked = new Map<string, Document>()
    const fetch = async (address: string): Promise<Document> => {
      const document = asked.get(address) ?? documentIn(await ask(address))
      asked.set(address, document)
      return document
    }
    const first = advice?.metadata ?? wellKnown(url)
    const resource = resourceIn(await fetch(first))
    // behind a route below the resource, clients follow the challenge
    const subject = resource !== undefined && isPartOf(resource, url) ? resource : url
    for (const address of [wellKnown(subject), `${new URL(url).origin}${METADATA_PATH}`]) await fetch(address)
    return judgeDocuments(url, asked, advice)
  }
}

const pathOf = (url: string): string => new URL(url).pathname.replace(/^\/$/, '')
const wellKnown = (url: string): string => `${new URL(url).origin}${METADATA_PATH}${pathOf(url)}`

function resourceIn (document: Document): string | undefined {
  const resource = document.kind === 'document' ? document.json['resource'] : undefined
  return typeof resource === 'string' && URL.canParse(resource) ? resource : undefined
}

/** True for what is above the URL, by whole segments of its path. */
function isPartOf (resource: string, url: string): boolean {
  const [part, whole] = [new URL(resource), new URL(url)]
  const path = part.pathname.replace(/\/$/, '')
  return part.origin === whole.origin && whole.pathname.startsWith(`${path}/`) && whole.pathname !== `${path}/`
}

const IS_JSON = /^application\/json\s*(?:;|$)/i

type Judged = Readonly<{ findings: readonly McpFound[], learnt: Learnt }>

function judgeDocuments (url: string, asked: ReadonlyMap<string, Document>, advice: Learnt['advice']): Judged {
  const found = [...asked].flatMap(([address, document]) =>
    document.kind === 'document' ? [{ address, ...document }] : [])
  const missing = [...asked].flatMap(([address, document]): readonly McpFound[] =>
    document.kind === 'none' ? [['mcp-metadata', `${shown(address)} ${document.what}`]] : [])
  const untyped = found.filter(({ type = '' }) => !IS_JSON.test(type)).map(({ address, type = 'nothing' }): McpFound =>
    ['mcp-metadata-type', `${shown(address)} is sent as ${shown(type)}`])
  const [document] = found
  if (document === undefined) return { findings: missing, learnt: {} }
  const { findings, resource } = judgeResource(url, document, advice?.scopes ?? [])
  return { findings: [...missing, ...untyped, ...findings], learnt: resource === undefined ? {} : { resource } }
}

type Found = Readonly<{ address: string, json: Json }>

function judgeResource (
  url: string, { address, json }: Found, asked: readonly string[]
): Readonly<{ findings: readonly McpFound[], resource: ResourceMetadata | undefined }> {
  const { resource, authorization_servers: servers, scopes_supported: supported } = json
  const [issuer] = stringsIn(servers)
  const scopes = stringsIn(supported)
  const lacking = asked.filter((scope) => !scopes.includes(scope))
  const unlisted: readonly McpFound[] = scopes.length > 0 && lacking.length > 0
    ? [['mcp-scopes', `scopes_supported lacks ${shown(lacking.join(' '))}`]]
    : []
  const wrong = judgeIdentifier(url, resource)
  const findings = [...wrong, ...unlisted]
  if (issuer === undefined || !URL.canParse(issuer) || !isPrivate(issuer)) {
    const what = issuer === undefined ? 'names no authorization server' : `names ${shown(issuer)}`
    return { findings: [...findings, ['mcp-no-authgear', `${shown(address)} ${what}`]], resource: undefined }
  }
  return { findings, resource: { resource: typeof resource === 'string' ? resource : url, issuer, scopes, address } }
}

/** @param url as clients send it: a URL without a path has a slash there */
function judgeIdentifier (url: string, resource: unknown): readonly McpFound[] {
  if (resource === url) return []
  if (typeof resource !== 'string' || !URL.canParse(resource)) {
    return [['mcp-resource', `resource is ${typeof resource === 'string' ? shown(resource) : 'missing'}`]]
  }
  const what = `resource is ${shown(resource)}, and clients use ${url}: another ${differenceOf(resource, url)}`
  const isPart = isPartOf(resource, url) && resource === new URL(resource).href
  return [[isPart ? 'mcp-resource-prefix' : 'mcp-resource', what]]
}

const slashless = (text: string): string => text.replace(/\/$/, '')

function differenceOf (resource: string, url: string): string {
  const [one, other] = [new URL(resource), new URL(url)]
  if (one.protocol !== other.protocol) return 'scheme'
  if (one.hostname !== other.hostname) return 'host'
  if (one.port !== other.port) return 'port'
  if (slashless(resource) === slashless(url)) return 'slash at the end'
  return one.pathname.toLowerCase() === other.pathname.toLowerCase() ? 'case' : 'path'
}
