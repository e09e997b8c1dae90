/** As package.json's `engines`: undici needs 22.19; 24.0 and 24.1 lose header lines over HTTP/2 (docs/security.md). */
export const SUPPORTED_NODE = '^22.19.0 || >=24.2.0'

/** @param version such as `24.2.0` @returns undefined where this Node can run the service */
export function problemOfNode (version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 24 || (major === 24 && minor >= 2) || (major === 22 && minor >= 19)) return undefined
  return `authgear-forward-auth needs Node 22.19, 24.2 or newer, and this is ${version}: use the image, or install Node 24`
}
