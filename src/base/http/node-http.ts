/**
 * Node's HTTP by another way than `import`: that reads all exports of the module, and with `WebSocket` it loads a
 * second undici (docs/inside/decisions/157-of-undici-only-its-pool.md).
 */
export const { createServer, METHODS, STATUS_CODES, validateHeaderValue } = process.getBuiltinModule('node:http')
