// The configuration of the image that deploy/docker/Dockerfile's stage `runtime` makes, for images made without Docker.
import { readFileSync } from 'node:fs'

const dockerfile = readFileSync(new URL('../../deploy/docker/Dockerfile', import.meta.url), 'utf8')
const runtime = dockerfile.split(/^FROM /m)[3]
const valueOf = (name) => new RegExp(`^${name} (.*)$`, 'm').exec(runtime)[1]
const env = [...runtime.matchAll(/^ENV (.*)$/gm)].flatMap(([, line]) => line.split(' '))

export const config = {
  Env: ['PATH=/usr/local/bin:/usr/bin:/bin', ...env],
  Entrypoint: JSON.parse(valueOf('ENTRYPOINT')),
  User: valueOf('USER'),
  WorkingDir: valueOf('WORKDIR')
}
if (process.argv[1] === import.meta.filename) console.log(JSON.stringify(config))
