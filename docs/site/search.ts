// VitePress writes these functions into the page as text, so each one stands alone.

/**
 * Terms of a page: a word with `-`, `_` or an apostrophe is indexed in one piece and by its parts, so `e-mail` is also
 * `email`; so is a name of two words, `Let's Encrypt`.
 */
export const tokensOf = (text: string): string[] =>
  (text.match(/[\p{L}\p{N}_-]+(?:['’][\p{L}\p{N}]+)*/gu) ?? []).flatMap((word, i, words) => {
    const parts = word.split(/[_'’-]+/)
    const terms = parts.length === 1 ? parts : [parts.join(''), ...parts.filter((part) => part.length > 1)]
    const next = words[i + 1] ?? ''
    return /^\p{Lu}/u.test(word) && /^\p{Lu}/u.test(next) ? [...terms, `${word}${next}`.replace(/[_'’-]+/g, '')] : terms
  })

/**
 * Terms of a query: `e-mail`, `email` and `EMAIL` are one, and so are `let's` and `lets`. Words that nearly every page
 * has count only where there are no others.
 */
export const queryTokensOf = (text: string): string[] => {
  const words = (text.match(/[\p{L}\p{N}_'’-]+/gu) ?? [])
    .map((word) => word.replace(/[_'’-]+/g, '')).filter((word) => word !== '')
  const common = /^(?:an?|and|are|can|do|does|for|from|how|i|in|is|it|me|my|of|on|or|the|to|what|which|who|why|with)$/i
  const telling = words.filter((word) => !common.test(word))
  return telling.length === 0 ? words : telling
}

/** Pages for contributors and the map of all pages rank below the others. */
export const boostOf = (id: string): number => /\/docs\/(?:inside\/|#|$)|\/CONTRIBUTING/.test(id) ? 0.01 : 1

/** Ranks results by how many words of the query they have. It is a filter since only filters see these; all pass. */
export const preferMoreWords = (result: { queryTerms: string[], score: number }): boolean => {
  result.score *= 10 ** result.queryTerms.length
  return true
}
