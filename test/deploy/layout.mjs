// layout.mjs OUT SBOM ARCHITECTURE=ROOT…: an OCI layout with an image of each root file system, and beside each image
// its SBOM and its provenance in the form in which BuildKit attaches them. Prints the index's digest.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { config } from './image-config.mjs'

const OCI = 'application/vnd.oci.image'
const [, , out, sbom, ...roots] = process.argv
const sha256 = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** Its descriptor. */
function blob (mediaType, content) {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content))
  const digest = sha256(bytes)
  writeFileSync(join(out, 'blobs', digest.replace(':', '/')), bytes)
  return { mediaType, digest, size: bytes.length }
}

const manifest = (config, layers) =>
  blob(`${OCI}.manifest.v1+json`, { schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json`, config, layers })

function image (architecture, root) {
  const tar = execFileSync('tar', ['--owner=0', '--group=0', '-C', root, '-c', '.'], { maxBuffer: 2 ** 30 })
  const rootfs = { type: 'layers', diff_ids: [sha256(tar)] }
  const described = blob(`${OCI}.config.v1+json`, { architecture, os: 'linux', config, rootfs })
  const layer = blob(`${OCI}.layer.v1.tar+gzip`, gzipSync(tar, { level: 1 }))
  return { ...manifest(described, [layer]), platform: { os: 'linux', architecture } }
}

/** What BuildKit says about an image of one platform. */
function attestation (image) {
  const subject = [{ name: 'authgear-forward-auth', digest: { sha256: image.digest.slice('sha256:'.length) } }]
  const statement = (predicateType, predicate) => ({
    ...blob('application/vnd.in-toto+json', {
      _type: 'https://in-toto.io/Statement/v0.1', predicateType, subject, predicate
    }),
    annotations: { 'in-toto.io/predicate-type': predicateType }
  })
  const layers = [
    statement('https://spdx.dev/Document', JSON.parse(readFileSync(sbom, 'utf8'))),
    statement('https://slsa.dev/provenance/v1', {
      buildDefinition: { buildType: 'rehearsal', externalParameters: {}, resolvedDependencies: [] },
      runDetails: { builder: { id: image.platform.architecture } }
    })
  ]
  const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) }
  const described = blob(`${OCI}.config.v1+json`, { architecture: 'unknown', os: 'unknown', config: {}, rootfs })
  return {
    ...manifest(described, layers),
    annotations: { 'vnd.docker.reference.digest': image.digest, 'vnd.docker.reference.type': 'attestation-manifest' },
    platform: { architecture: 'unknown', os: 'unknown' }
  }
}

mkdirSync(join(out, 'blobs/sha256'), { recursive: true })
const images = roots.map((one) => image(...one.split('=')))
const mediaType = `${OCI}.index.v1+json`
const manifests = [...images, ...images.map(attestation)]
const index = blob(mediaType, { schemaVersion: 2, mediaType, manifests })
writeFileSync(join(out, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
writeFileSync(join(out, 'index.json'), JSON.stringify({ schemaVersion: 2, mediaType, manifests: [index] }))
console.log(index.digest)
