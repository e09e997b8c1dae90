/** What browsers say of whoever made them come: `none` is the address bar or a bookmark. */
const OWN = new Set(['same-origin', 'same-site', 'none'])

/** @param rawHeaders as they arrived; @returns false for browsers that do not say (before 2023), which cannot be told apart */
export function isFromAnotherSite (rawHeaders: readonly string[]): boolean {
  return rawHeaders.some((value, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'sec-fetch-site' && !OWN.has(value))
}
