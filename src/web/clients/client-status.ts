/** The status of a client in words: a tone, a word, and the cause. */
import type { Client } from '../../domain/clients/client.ts';
import { clientState } from '../../domain/clients/client-state.ts';
import type { ConsoleCall } from '../admin/route.ts';

/** What the component `status-chip` shows. */
export interface StatusChip {
  tone: 'good' | 'warning' | 'danger' | 'info' | 'neutral';
  word: string;
  cause?: string;
}

const TONES = {
  enabled: 'good',
  disabled: 'neutral',
  locked: 'danger',
  not_started: 'info',
  expired: 'warning',
  outside_service_hours: 'info',
} as const;

/** The chip of a client, now. */
export function statusChip(
  { formats, t }: Pick<ConsoleCall, 'formats' | 't'>,
  client: Client,
): StatusChip {
  const { status } = clientState(client, formats.now);
  const cause = causeOf(client, status, { formats, t });
  const chip = { tone: TONES[status], word: t(`status.${status}`) };
  return cause === null ? chip : { ...chip, cause };
}

function causeOf(
  client: Client,
  status: keyof typeof TONES,
  { formats, t }: Pick<ConsoleCall, 'formats' | 't'>,
): string | null {
  const { lock, startsAt, expiresAt, serviceHours } = client;
  const when = formats.instant(
    { locked: lock.lockedAt, not_started: startsAt, expired: expiresAt }[status as string] ?? null,
  );
  switch (status) {
    case 'locked':
      return t('status.cause.locked', { count: lock.failedLogins, when: when?.relative ?? '' });
    case 'not_started':
    case 'expired':
      return when?.relative ?? null;
    case 'outside_service_hours':
      return t('status.cause.outside_service_hours', { timeZone: serviceHours?.timeZone ?? '' });
    default:
      return null;
  }
}
