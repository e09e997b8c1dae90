// @ts-check
import { Readable } from 'node:stream'
import { internalError, methodNotAllowed, pageNotFound, send, verdictAnswer } from './answers.mjs'

/** @import { ServerResponse } from 'node:http' */
/** @import { FailureMode } from './types.d.mts' */

/**
 * Each way in which an Authgear, or something that stands in its place, may fail. @type {Record<FailureMode, (response:
 * ServerResponse) => void>}
 */
export const FAILURES = Object.freeze({
  error: response => send(response, internalError('inside')),
  'not-found': response => send(response, pageNotFound()),
  'method-not-allowed': response => send(response, methodNotAllowed()),
  redirect: response => send(response, { status: 302, headers: [['Location', 'http://elsewhere.invalid/']] }),
  // its second database transaction was not to be had: 200 and none of the headers, even to a valid session
  silent: response => send(response, verdictAnswer({ kind: 'nobody' }, undefined)),
  'no-user-id': response => send(response, { status: 200, headers: [['X-Authgear-Session-Valid', 'true']] }),
  reset: response => { response.socket?.resetAndDestroy() },
  'half-answer': response => { response.socket?.end('HTTP/1.1 200 OK\r\nX-Authgear-Session-Valid: tr') },
  hang: () => {},
  'not-http': (response) => {
    response.socket?.end('220 this is a mail server\r\n')
  },
  'garbage-header': (response) => raw(response, 'X-Authgear-Session-Valid: true\r\nX-Authgear-User-Id: a\x01b\x7f\r\n'),
  'huge-headers': (response) =>
    raw(response, `X-Authgear-Session-Valid: true\r\nX-Authgear-User-Roles: ${'r'.repeat(512 * 1024)}\r\n`),
  'endless-body': (response) => {
    response.writeHead(200, ['X-Authgear-Session-Valid', 'true', 'X-Authgear-User-Id', 'endless'])
    Readable.from(endless()).pipe(response)
  }
})

/**
 * Node writes no header with control bytes in it, so these go to the socket.
 * @param {ServerResponse} response
 * @param {string} headers
 */
function raw (response, headers) {
  response.socket?.end(`HTTP/1.1 200 OK\r\n${headers}Content-Length: 0\r\nConnection: close\r\n\r\n`)
}

function * endless () {
  while (true) yield 'x'.repeat(16 * 1024)
}
