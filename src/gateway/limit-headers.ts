/** What is left of the limits, in header fields: RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers). */
import type { Decision } from '../domain/decision/decide.ts';
import type { Facts } from '../domain/decision/facts.ts';

const WINDOW_SECONDS = { day: 86_400, week: 604_800, month: null, total: null } as const;

/** Header fields of a decision; none where nothing is limited. */
export function limitHeaders(
  decision: Decision,
  facts: Pick<Facts, 'client' | 'credential' | 'now'>,
): Record<string, string> {
  const policies: string[] = [];
  const limits: string[] = [];
  const add = (name: string, q: number, w: number | null, r: number, resetsAt: Date | null) => {
    policies.push(`"${name}";q=${q}${w === null ? '' : `;w=${w}`}`);
    limits.push(
      `"${name}";r=${r}${resetsAt === null ? '' : `;t=${secondsTo(resetsAt, facts.now)}`}`,
    );
  };
  const { rate, quota } = decision;
  if (rate !== null) add('tps', rate.limit, 1, rate.left, rate.resetsAt);
  if (quota !== null && facts.client !== null) {
    const window = WINDOW_SECONDS[facts.client.apiQuota.period];
    add('quota', quota.limit, window, quota.left, quota.resetsAt);
  }
  const token = 'token' in facts.credential ? facts.credential.token : null;
  if (decision.usesLeft !== null && token !== null)
    add('uses', token.maxUses, null, decision.usesLeft, null);
  const retry = decision.allowed ? null : decision.retryAfterSeconds;
  return {
    ...(policies.length > 0 && {
      'RateLimit-Policy': policies.join(', '),
      RateLimit: limits.join(', '),
    }),
    ...(retry !== null && { 'Retry-After': String(retry) }),
  };
}

function secondsTo(instant: Date, now: Date): number {
  return Math.max(0, Math.ceil((instant.getTime() - now.getTime()) / 1000));
}
