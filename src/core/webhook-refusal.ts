/** A closed set: it is a metric's label. Of `unsigned` and `not_read` any stranger can be the cause. */
export const WEBHOOK_REFUSALS = ['unsigned', 'wrong_signature', 'other_app', 'unreadable', 'not_read'] as const
export type WebhookRefusal = (typeof WEBHOOK_REFUSALS)[number]
