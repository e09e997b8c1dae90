/** Authgear's ids are UUIDs of 36 characters; what is remembered of a user must have a bound. */
const MAX_LENGTH = 256

/** Whether a text can be a user's id: a lone surrogate would be another text once it was written as UTF-8. */
export function isUserId (value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_LENGTH && !/\p{Cs}/u.test(value)
}
