import { existsSync } from 'node:fs'
import { type Out, refuse } from './command-line.ts'

const USAGE = `usage: authgear-forward-auth demo [--authgear URL --client ID]

Starts this service, an app, a proxy and a simulated Authgear on this machine, until Ctrl-C.

  --authgear URL  your own project, such as https://NAME.authgear.cloud, instead of the simulated one
  --client ID     its client: docs/portal.md
  -h, --help      print this

DEMO_PORT changes the proxy's port (8080), DEMO_PROXY the proxy: auto, caddy, traefik or built-in.
DEMO_VERBOSE=1 prints what each program logs.
`

/** The module `deploy/demo/demo.mjs`; it is plain JavaScript and no part of the bundle. */
type Demo = Readonly<{ demo: (args: readonly string[], env: NodeJS.ProcessEnv) => Promise<number> }>

/** The address of that module, and the command's outputs. */
export type DemoSurroundings = Readonly<{ file: URL, out: Out, err: Out }>

/** Returns the exit code, once everything has stopped. */
export async function demo (
  args: readonly string[], env: NodeJS.ProcessEnv, { file, out, err }: DemoSurroundings
): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    out.write(USAGE)
    return 0
  }
  if (!existsSync(file)) {
    return refuse(['the image leaves the demo out: run it in a clone, by `docker compose up` or `npm run demo`'], err)
  }
  return await (await import(file.href) as Demo).demo(args, env)
}
