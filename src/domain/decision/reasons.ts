/** Reason codes: why a decision refused. Part of the public API; never rename one. */

/** Every reason, with the HTTP status of the decision and a sentence for the caller. */
export const REASONS = {
  credential_missing: { status: 401, title: 'no credential was presented' },
  credential_invalid: { status: 401, title: 'the credential is not known or not intact' },
  token_expired: { status: 401, title: 'the token has expired' },
  token_revoked: { status: 401, title: 'the token was revoked' },
  key_expired: { status: 401, title: 'the API key has expired' },
  key_not_yet_effective: { status: 401, title: 'the effective date of the API key has not come' },
  key_disabled: { status: 401, title: 'the API key is disabled' },
  client_deleted: { status: 403, title: 'the client no longer exists' },
  client_disabled: { status: 403, title: 'the client is disabled' },
  client_locked: { status: 403, title: 'the client is locked after failed secrets' },
  client_not_started: { status: 403, title: 'the start date of the client has not come' },
  client_expired: { status: 403, title: 'the client has expired' },
  outside_service_hours: { status: 403, title: 'the client is outside its service hours' },
  ip_not_allowed: { status: 403, title: 'the address is not among the IP bindings of the client' },
  grant_not_allowed: { status: 400, title: 'the grant type is not allowed for the client' },
  user_disabled: { status: 403, title: 'the user is disabled or gone' },
  user_locked: { status: 403, title: 'the user is locked after failed passwords' },
  user_not_allowed: { status: 403, title: 'the user is not on the allowlist of the client' },
  audience_mismatch: { status: 403, title: 'the grant is for another audience' },
  level_too_low: { status: 403, title: 'the security level of the client is too low' },
  api_unknown: { status: 403, title: 'no API matches the method and path' },
  group_not_granted: { status: 403, title: 'no granted group or scope holds the API' },
  tps_exceeded: { status: 429, title: 'the client has made its calls of this second' },
  quota_exhausted: { status: 429, title: 'too little is left of the quota of the client' },
  token_uses_exhausted: { status: 401, title: 'too few uses of the token are left' },
} as const;

/** A stable reason code. */
export type ReasonCode = keyof typeof REASONS;
