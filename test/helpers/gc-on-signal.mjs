// Loaded into a measured service by NODE_OPTIONS: SIGWINCH collects all garbage, and says so.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc')
let count = 0
process.on('SIGWINCH', () => {
  gc()
  process.stderr.write(`collected ${++count}\n`)
})
