// holds what HELD says by the page's follow.js, and prints each close
import { follow } from './follow.js'
import { hold } from './held.js'

function open (name, headers) {
  hold(headers, (why) => {
    console.log(`${name}: ${why}`)
    if (name === 'first') open('second', headers)
    if (name.startsWith('broken')) throw new Error('this close is broken')
  })
}

await follow()
for (const [name, headers] of Object.entries(JSON.parse(process.env.HELD))) open(name, headers)
console.log('ready')
