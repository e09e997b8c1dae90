import { type Clock, systemClock } from '../../clock.ts'
import { type CertificateLife, certificateStage, endOf } from '../../core/certificate.ts'
import type { Log } from '../../logging/log.ts'

const LOOK_INTERVAL_MS = 10 * 60_000

type Notice = Readonly<{ renewed: (life: CertificateLife) => void, look: () => void, stop: () => void }>

/** A line 14, 7 and 1 days before the listener's certificate ends, when it does, and as many days after. */
export function watchCertificateLife (
  first: CertificateLife,
  log: Pick<Log, 'warn' | 'error'>,
  clock: Clock = systemClock
): Notice {
  let life = first
  let told: number | undefined
  const look = (): void => {
    const now = clock.wall()
    const stage = certificateStage(life, now)
    if (stage === told) return
    told = stage
    if (stage === undefined) return
    const line = `the certificate of LISTEN_TLS_CERT_FILE ${endOf(life, now)}: renew it; its files are read again`
    if (stage > 0) log.warn(line)
    else log.error(`${line}. Proxies that check it let nobody in`)
  }
  look()
  const timer = setInterval(look, LOOK_INTERVAL_MS).unref()
  return Object.freeze({
    look,
    renewed: (renewed: CertificateLife) => { life = renewed; told = undefined; look() },
    stop: () => clearInterval(timer)
  })
}
