import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { follow } from './follow.js'
import { hold } from './held.js'

const sockets = new WebSocketServer({ noServer: true })
const server = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: welcome\n\n')
  response.once('close', hold(request.headers, () => response.end('event: closed\ndata: 4401\n\n')))
})
server.on('upgrade', (request, socket, head) => sockets.handleUpgrade(request, socket, head, (one) => {
  one.on('error', console.error).on('message', (text) => one.send(`you said ${text}`))
  one.once('close', hold(request.headers, (why) => {
    one.removeAllListeners('message') // nothing more is done for it, even where it does not answer the close
    one.close(4401, why)
    setTimeout(() => one.terminate(), 1000)
  }))
  one.send('welcome')
}))
await follow()
server.listen(process.env.PORT ?? 8080)
