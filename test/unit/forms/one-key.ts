import type { Sealer } from '../../../src/base/crypto/sealing.ts'

/** One form of what crosses processes or time. */
export type Form = Readonly<{
  write: () => string | Promise<string>
  /** @returns whether it understood what an earlier release wrote; undefined: apps and operators read it */
  read?: (written: string) => boolean | Promise<boolean>
  /** Recorded instead of what `write` returns. */
  sample?: () => string
}>

/** Shows the name of the seal, which has the form's number. */
export const OPEN: Sealer = {
  seal: (name, plain) => Buffer.from(JSON.stringify({ [name]: Buffer.from(plain).toString() })),
  open (name, sealed) {
    const plain = (JSON.parse(Buffer.from(sealed).toString()) as Record<string, string>)[name]
    return plain === undefined ? undefined : Buffer.from(plain)
  }
}

/** One key of Redis. @param value what an earlier release left there */
export function oneKey (value?: string) {
  let held = value === undefined ? null : Buffer.from(value)
  const set = (text: string | Buffer): boolean => { held = Buffer.from(text); return true }
  return {
    text: () => held?.toString() ?? '',
    getBuffer: async () => held,
    compareAndSet: async (_: string, before: Buffer, next: Buffer) =>
      (held ?? Buffer.alloc(0)).equals(before) && set(next),
    setIfNewer: async (_: string, version: string, next: Buffer) => set(next) && version !== '',
    setIfAbsent: async (_: string, next: string) => held === null && set(next),
    setPx: async (_: string, next: Buffer) => { set(next) },
    timeOf: async () => 1,
    add: async (_: string, { name, payload }: { name: string, payload: string }) => {
      set(`${name} ${Buffer.from(payload, 'base64url').toString()}`)
    },
    take: async () => [{
      name: held?.toString().split(' ')[0] ?? '',
      payload: Buffer.from(held?.toString().replace(/^\S+ /, '') ?? '').toString('base64url')
    }],
    remove: async () => {}
  }
}

/** Writes by `act` what `act` then reads. */
export async function shared (act: (commands: ReturnType<typeof oneKey>) => Promise<unknown>): Promise<string> {
  const commands = oneKey()
  await act(commands)
  return commands.text()
}
