// VitePress writes these functions into the page as text, so each one stands alone.

/** Terms of a page: a word with `-` or `_` is indexed in one piece and by its parts, so `e-mail` is also `email`. */
export const tokensOf = (text: string): string[] =>
  (text.match(/[\p{L}\p{N}_-]+/gu) ?? []).flatMap((word) => {
    const parts = word.split(/[_-]+/)
    return parts.length === 1 ? parts : [parts.join(''), ...parts.filter((part) => part.length > 1)]
  })

/** Terms of a query: `e-mail`, `email` and `EMAIL` are one, since all terms of a query must match. */
export const queryTokensOf = (text: string): string[] =>
  (text.match(/[\p{L}\p{N}_-]+/gu) ?? []).map((word) => word.replace(/[_-]+/g, '')).filter((word) => word !== '')

/** Pages for contributors and the map of all pages rank below the others. */
export const boostOf = (id: string): number => /\/docs\/(?:inside\/|#|$)|\/CONTRIBUTING/.test(id) ? 0.2 : 1
