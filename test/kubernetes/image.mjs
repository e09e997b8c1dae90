// An image that containerd imports, out of folders: image.mjs FILE NAME CONFIG LAYER…
// CONFIG is JSON as in an image's configuration: Env, Entrypoint, User, WorkingDir. A layer once packed is kept
// beside its folder.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const [, , file, name, config, ...folders] = process.argv

function packed (folder) {
  const tar = `${folder}.tar`
  if (!existsSync(tar)) {
    const same = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner']
    execFileSync('tar', [...same, '-C', folder, '-cf', tar, '.'])
  }
  return { tar, digest: createHash('sha256').update(readFileSync(tar)).digest('hex') }
}

const layers = folders.map(packed)
const work = mkdtempSync(join(dirname(file), 'image-'))
for (const { tar, digest } of layers) linkSync(tar, join(work, `${digest}.tar`))
const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => `sha256:${digest}`) }
const image = { architecture: 'amd64', os: 'linux', config: JSON.parse(config), rootfs }
writeFileSync(join(work, 'config.json'), JSON.stringify(image))
const manifest = { Config: 'config.json', RepoTags: [name], Layers: layers.map(({ digest }) => `${digest}.tar`) }
writeFileSync(join(work, 'manifest.json'), JSON.stringify([manifest]))
execFileSync('tar', ['-C', work, '-cf', file, '.'])
rmSync(work, { recursive: true })
console.log(`made ${basename(file)}`)
