/** What Node and Redis' client call a name that does not resolve. */
export function isNameError (code: string): boolean {
  return code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_NONAME'
}

/** OpenSSL's and Node's codes about certificates, and a server that speaks something else. */
export function isTlsError (code: string): boolean {
  return /CERT|^ERR_TLS|^ERR_SSL|^EPROTO$|UNABLE_TO|SELF_SIGNED|HOSTNAME_MISMATCH/.test(code)
}
