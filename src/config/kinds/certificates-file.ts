import { type Kind, parsed, problem, type ReadFile } from '../kind.ts'
import { certificates } from './certificates.ts'
import { readText } from './read-text.ts'

/** A file of PEM certificates, handed over as its content. */
export const certificatesContent: Kind<string> = file(content => content)

/** A file of PEM certificates that is read again later, handed over as its path. */
export const certificatesPath: Kind<string> = file((_, path) => path)

function file (value: (content: string, path: string) => string): Kind<string> {
  return Object.freeze({
    accepts: 'the path of a PEM file with at least one certificate',
    parse: (path: string, readFile: ReadFile) => {
      const read = readText(path, readFile)
      if ('problem' in read) return problem(read.problem)
      if (certificates(read.text) === undefined) return problem('names a file without a readable PEM certificate (-----BEGIN CERTIFICATE-----)')
      return parsed(value(read.text, path), path)
    }
  })
}
