// the page's app, and another port that says how many it holds
import { createServer } from 'node:http'
import { held } from './held.js'
import './app.js'

createServer((_request, response) => response.end(String(held.size))).listen(process.env.COUNT_PORT, '127.0.0.1')
