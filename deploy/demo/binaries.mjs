// @ts-check
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FOLDERS = [join(ROOT, '.servers/bin'), ...(process.env['PATH'] ?? '').split(delimiter)]

/** Where this machine has a program of that name, the first choice first. @param {string} name */
export const pathsOf = (name) => FOLDERS.map((folder) => join(folder, name)).filter(isExecutable)

/** @param {string} path */
function isExecutable (path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
