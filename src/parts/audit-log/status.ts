import type { StatusOf } from '../../base/parts/figures.ts'

/** Seconds; the bound of the alert, too. */
const LATE_SECONDS = 60

const REFUSED_BY_AUTHGEAR =
  '<p class="note">Since September 2026 Authgear calls no webhook at an address that is not public, and ' +
  'says so in its own log alone: <code>outbound fetch blocked by SSRF address policy</code>. Its operator ' +
  'lifts it with <code>http.insecure_fetch_address_allowed_hosts</code> in <code>authgear.features.yaml</code>.</p>'

/** Its numbers are there only at the replica that leads. */
export const status: StatusOf = {
  json: ({ behindSeconds, unread, untold }) => ({ auditBehindSeconds: behindSeconds, auditUnread: unread, untold }),
  alerts: [
    {
      alert: 'ForwardAuthWebhooksSilent',
      value: 'max by (job) (forward_auth_audit_untold_changes{$one})',
      when: '> 0',
      for: '15m',
      severity: 'warning',
      summary: 'Users changed, but Authgear sent no webhook',
      description:
        'The audit log has changes that come by webhook too. A self-hosted Authgear refuses to call addresses that ' +
          'are not public, and says so in its own log alone.'
    },
    {
      alert: 'ForwardAuthAuditLogBehind',
      // the least of all replicas counts: one of them reads the audit log for all
      value: 'min by (job) (forward_auth_audit_behind_seconds{$one})',
      when: '> 60',
      severity: 'warning',
      summary: 'Authgear\'s audit log has not been read for over a minute',
      description: 'Sign-outs, terminated sessions and role changes take effect only after CACHE_TTL.'
    }
  ],
  problems: [
    {
      level: 'warn',
      when: ({ now: { untold = 0 } }) => untold > 0,
      sentence: ({ now: { untold = 0 } }) =>
        `Users changed, and no webhook came (${untold} change${untold === 1 ? '' : 's'}): let Authgear call this service`,
      note: REFUSED_BY_AUTHGEAR,
      link: 'forwardauthwebhookssilent'
    },
    {
      level: 'warn',
      when: ({ now: { behindSeconds = 0 } }) => behindSeconds > LATE_SECONDS,
      sentence: ({ now: { behindSeconds = 0 } }) =>
        `The audit log was not read for ${Math.round(behindSeconds)} s, so sign-outs take effect late: read the log`,
      link: 'forwardauthauditlogbehind'
    },
    {
      level: 'warn',
      when: ({ now: { unread = 0 } }) => unread > 0,
      sentence: ({ now: { unread = 0 } }) =>
        `Of types that this version does not know, ${unread} entries of the audit log were left out, and revoke ` +
          'nobody: update this service',
      link: 'forwardauthauditlogbehind'
    }
  ]
}
