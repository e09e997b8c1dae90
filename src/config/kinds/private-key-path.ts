import { createPrivateKey } from 'node:crypto'
import { type Kind, parsed, problem, type ReadFile } from '../kind.ts'
import { readText } from './read-text.ts'

function isPrivateKey (pem: string): boolean {
  try {
    createPrivateKey(pem)
    return true
  } catch {
    return false
  }
}

/** The path of a private key that is read again later. */
export const privateKeyPath: Kind<string> = Object.freeze({
  accepts: 'the path of a PEM file with a private key without passphrase',
  parse: (path: string, readFile: ReadFile) => {
    const read = readText(path, readFile)
    if ('problem' in read) return problem(read.problem)
    return isPrivateKey(read.text) ? parsed(path, path) : problem('names a file without a readable PEM private key (a passphrase is not supported)')
  }
})
