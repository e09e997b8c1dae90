import { ServiceError } from '../../errors.ts'

/** Something that the person at the command line can mend; never holds key material. */
export class CertError extends ServiceError {
  constructor (message: string, cause?: unknown) { super('CERT', message, cause) }
}
