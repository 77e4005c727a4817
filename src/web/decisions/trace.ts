/** A trace in words: each check with what it saw and wanted, when it next passes, and what to change. */
import type { TraceEntry } from '../../domain/decision/explain.ts';
import { REASONS, type ReasonCode } from '../../domain/decision/reasons.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { clientPath } from '../clients/client-path.ts';
import type { StatusChip } from '../clients/client-status.ts';
import { checkInWords, isOfCode } from './trace-words.ts';
import type { TraceRow } from './views.ts';

/** Where the setting behind a reason is changed: a path below the client, or of the console. */
const FIXES: Partial<Record<ReasonCode, { below: string } | { path: string }>> = {
  token_expired: { below: '/token-settings' },
  token_revoked: { below: '/tokens' },
  key_expired: { below: '/api-keys' },
  key_not_yet_effective: { below: '/api-keys' },
  key_disabled: { below: '/api-keys' },
  client_disabled: { below: '/status' },
  client_locked: { below: '/status' },
  client_not_started: { below: '/edit/when' },
  client_expired: { below: '/edit/when' },
  outside_service_hours: { below: '/edit/when' },
  ip_not_allowed: { below: '/edit/where' },
  grant_not_allowed: { below: '/token-settings' },
  user_not_allowed: { below: '/edit/where' },
  user_disabled: { path: '/admin/users' },
  user_locked: { path: '/admin/users' },
  audience_mismatch: { below: '/edit/who' },
  level_too_low: { below: '/security-level' },
  api_unknown: { path: '/admin/apis' },
  group_not_granted: { below: '/api-groups' },
  tps_exceeded: { below: '/edit/limits' },
  quota_exhausted: { below: '/edit/limits' },
  token_uses_exhausted: { below: '/token-settings' },
};

/** The page on which what refused can be changed; null where nothing can. */
export function fixPath(reason: ReasonCode, clientId: string | null): string | null {
  const fix = FIXES[reason];
  if (fix === undefined) return null;
  if ('path' in fix) return fix.path;
  return clientId === null ? null : clientPath({ clientId }, fix.below);
}

/** The outcome of a decision, as a chip. */
export function outcomeChip({ t }: Pick<ConsoleCall, 't'>, reason: ReasonCode | null): StatusChip {
  return reason === null
    ? { tone: 'good', word: t('decision.allowed') }
    : { tone: 'danger', word: t('decision.refused'), cause: reason };
}

/** What a decision says, in a sentence. */
export function outcomeSentence({ t }: Pick<ConsoleCall, 't'>, reason: ReasonCode | null): string {
  if (reason === null) return t('decision.sentence.allowed');
  const { title, status } = REASONS[reason];
  return t('decision.sentence.refused', { status, title });
}

const TONES = { passed: 'good', refused: 'danger', not_applicable: 'neutral' } as const;

/** The rows of a trace. */
export function traceRows(
  call: Pick<ConsoleCall, 't' | 'formats'>,
  trace: readonly TraceEntry[],
  clientId: string | null,
): TraceRow[] {
  const { t, formats } = call;
  return trace.map((entry) => {
    const { check, outcome, reason, seen, wanted, passesAt } = entry;
    const href = reason === null ? null : fixPath(reason, clientId);
    const cause = reason === null ? {} : { cause: reason };
    return {
      check,
      outcome: { tone: TONES[outcome], word: t(`decision.outcome.${outcome}`), ...cause },
      seen: checkInWords(call, entry, seen),
      wanted: checkInWords(call, entry, wanted),
      isCode: isOfCode(entry),
      passes: formats.instant(passesAt),
      fix: href === null ? null : { href, label: t('decision.fix') },
    };
  });
}
