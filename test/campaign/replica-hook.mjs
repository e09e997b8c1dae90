// @ts-check
/**
 * Loaded into each replica's process (`--import`): its way to Redis, its wall clock, and how long its event loop stood
 * still. CAMPAIGN_LINKS: a relay's port for each port of Redis; CAMPAIGN_CLOCK: a file with the milliseconds by which
 * the wall clock is off, read on SIGWINCH; CAMPAIGN_STALLS: a file that gets one line a stall, from and to.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { Socket } from 'node:net'

const { CAMPAIGN_LINKS = '{}', CAMPAIGN_CLOCK = '', CAMPAIGN_STALLS = '' } = process.env
const EVERY_MS = 20
const STALL_MS = 25

/** @type {Readonly<Record<string, number>>} */
const links = JSON.parse(CAMPAIGN_LINKS)
const connect = Socket.prototype.connect
Socket.prototype.connect = function (/** @type {any[]} */ ...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0]
  const port = Number(options?.port)
  const relay = links[port]
  if (relay !== undefined) {
    if (Array.isArray(args[0])) args[0][0] = { ...options, port: relay }
    else args[0] = { ...options, port: relay }
    // the replica compares it with what the Sentinels name
    Object.defineProperty(this, 'remotePort', { configurable: true, get: () => this.remoteAddress && port })
  }
  return Reflect.apply(connect, this, args)
}

let offMs = 0
const wall = Date.now
Date.now = () => wall() + offMs
process.on('SIGWINCH', () => { offMs = Number(readFileSync(CAMPAIGN_CLOCK, 'utf8')) })

const now = () => Number(process.hrtime.bigint()) / 1e6
let last = now()
setInterval(() => {
  const at = now()
  if (at - last > EVERY_MS + STALL_MS) appendFileSync(CAMPAIGN_STALLS, `${last + EVERY_MS} ${at}\n`)
  last = at
}, EVERY_MS).unref()
