/** The status of a client as shown, computed with its cause at an instant. */
import type { Client } from './client.ts';
import { isWithinHours } from './service-hours.ts';

/** Status words, the first that applies wins. */
export type ClientStatus =
  | 'enabled'
  | 'disabled'
  | 'locked'
  | 'not_started'
  | 'expired'
  | 'outside_service_hours';

export interface ClientState {
  status: ClientStatus;
  /** Why, in plain words; null for enabled. */
  cause: string | null;
  /** Since when, where that is known. */
  since: Date | null;
}

/** The state of a client at an instant. */
export function clientState(client: Client, now: Date): ClientState {
  if (client.status === 'disabled')
    return { status: 'disabled', cause: 'disabled by an admin', since: null };
  const { lockedAt, failedLogins } = client.lock;
  if (lockedAt !== null)
    return { status: 'locked', cause: `${failedLogins} wrong secrets`, since: lockedAt };
  if (client.startsAt !== null && now < client.startsAt) {
    return {
      status: 'not_started',
      cause: `starts at ${client.startsAt.toISOString()}`,
      since: null,
    };
  }
  if (client.expiresAt !== null && now >= client.expiresAt) {
    return {
      status: 'expired',
      cause: `expired at ${client.expiresAt.toISOString()}`,
      since: client.expiresAt,
    };
  }
  if (client.serviceHours !== null && !isWithinHours(client.serviceHours, now)) {
    return {
      status: 'outside_service_hours',
      cause: `outside the service hours (${client.serviceHours.timeZone})`,
      since: null,
    };
  }
  return { status: 'enabled', cause: null, since: null };
}
