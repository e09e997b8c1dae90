import { type Finding, found } from '../catalogue.ts'
import { type Context, looked, type Outcome, type Probe, skipped } from '../check.ts'
import { readFileSync } from 'node:fs'
import type { CertificateLife } from '../../../base/core/certificate.ts'
import { certificateLife, readTlsMaterial } from '../../../base/http/tls.ts'

/** Authgear has no API that tells its idle time-out: the operator has to. */
export const idleTimeout: Probe = {
  title: 'CACHE_TTL is below Authgear\'s idle time-out',
  run: async ({ options: { idleTimeoutMs }, config: { cache } }) => idleTimeoutMs === undefined
    ? skipped('Authgear does not say what it is: --idle-timeout (30 days unless the project changed it)')
    : looked(judgeIdleTimeout(idleTimeoutMs, cache.ttlMs))
}

export function judgeIdleTimeout (idleTimeoutMs: number, ttlMs: number): Finding | undefined {
  return idleTimeoutMs > ttlMs
    ? undefined
    : found('idle-timeout', `the idle time-out is ${idleTimeoutMs / 1000} s, and CACHE_TTL ${ttlMs / 1000} s`)
}

export const ownCertificate: Probe = {
  title: 'the certificate of LISTEN_TLS_CERT_FILE',
  run: async ({ config: { tls }, clock }) =>
    tls === undefined ? skipped('the main listener speaks no TLS') : looked(judge(tls, clock.wall()))
}

export const authgearCertificate: Probe = {
  title: 'Authgear\'s certificate',
  needs: 'authgear',
  run: async ({ look, clock }: Context): Promise<Outcome> => {
    const life = look.certificate()
    return life === undefined
      ? skipped('it is reached without TLS')
      : looked(judgeLife("Authgear's certificate", life, clock.wall()))
  }
}

function judge (tls: NonNullable<Context['config']['tls']>, now: number): Finding | undefined {
  try {
    readTlsMaterial(tls)
    return judgeLife(`the certificate in ${tls.certFile}`, certificateLife(readFileSync(tls.certFile, 'utf8')), now)
  } catch {
    return found('certificate-ended', `${tls.certFile} and ${tls.keyFile} cannot be used together`)
  }
}

/** By the share of its life: what renews a certificate does so with a third left, be it of 90 days or of six. */
export function judgeLife (whose: string, { from, to }: CertificateLife, now: number): Finding | undefined {
  const end = new Date(to).toISOString()
  if (to <= now) return found('certificate-ended', `${whose} ended at ${end}`)
  return (to - now) < (to - from) / 6 ? found('certificate-ends-soon', `${whose} ends at ${end}`) : undefined
}
