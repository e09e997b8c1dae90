/** Redis remembers for so long that a signed webhook came. */
export const WEBHOOK_KNOWN_MS = 30 * 86_400_000
