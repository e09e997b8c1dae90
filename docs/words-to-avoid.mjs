/**
 * Words that make our English read translated, each with what to write instead. A word is listed only if at least four
 * of five findings were faults when we read them (docs/inside/decisions/208-eslint-finds-words-to-avoid.md).
 */
const WORDS = Object.freeze({
  'anew|afresh': 'again',
  'of before': 'earlier',
  'by (?:itself|themselves|himself)': 'alone, automatically, or leave it out',
  'so long(?![ -](?:as|since))': 'name the duration: "Deadline for …", "How long to …"',
  'for good(?! and)': 'permanently',
  'the same holds': 'the same applies',
  'as long as that': 'until then',
  'mend(?:s|ed|ing)?': 'fix',
  '(?:is|are|was|were|be|been|being) told(?! (?:apart|from|to))': 'is notified, learns, or name what tells it',
  'hear(?:s|d)? of': 'learn of, or is notified of',
  '(?:begins?|began|begun|beginning) again': 'restart',
  'that which': 'name the thing',
  somebody: 'the client, a user, an attacker, another account',
  'whoever|whomever': 'the client, a user, an operator',
  'let(?:s|ting)? (?:[a-z]+ )?in(?= [a-z]|[,.;:)]|$)': 'allow, admit',
  'let(?:s|ting)? be': 'leave unchanged, accept',
  'in place of': 'instead of',
  'knows? no': 'does not know, has no',
  'without a word': 'silently',
  'past (?:its|their) end': 'expired'
})

// a comment's word may be broken by a line and its asterisk; what is in backticks is a name
const PATTERNS = Object.entries(WORDS).map(([word, say]) => ({
  pattern: new RegExp(`\\b(?:${word.replace(/ (?![^[]*\])/g, '[\\s*/]+')})\\b`, 'gi'), say
}))

const MESSAGE = '"{{word}}": {{say}} (docs/words-to-avoid.mjs)'

/** @returns the words to avoid in a text, with what to write instead */
const wordsIn = (text) => PATTERNS.flatMap(({ pattern, say }) =>
  (text.replace(/`[^`\n]*`/g, '``').match(pattern) ?? []).map((word) => ({ word: word.replace(/[\s*/]+/g, ' '), say })))

/** ESLint's rule: the comments and strings of code, the prose of Markdown. */
const avoid = {
  meta: { type: 'suggestion', schema: [], messages: { comment: MESSAGE, text: MESSAGE } },
  create (context) {
    const report = (node, text, messageId = 'text') =>
      wordsIn(text).forEach((data) => context.report({ node, messageId, data }))
    return {
      Program: () => context.sourceCode.getAllComments().forEach((node) => report(node, node.value, 'comment')),
      Literal: (node) => report(node, typeof node.value === 'string' ? node.value : ''),
      TemplateElement: (node) => report(node, node.value.raw),
      text: (node) => report(node, node.value)
    }
  }
}

/** A part of ESLint's configuration. */
export const words = { plugins: { words: { rules: { avoid } } }, rules: { 'words/avoid': 'error' } }
