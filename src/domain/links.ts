/** Links that work once: issued here, stored as a keyed digest, used up in one atomic step. */
import type { AuditEvent } from './audit/audit-event.ts';
import { plusSeconds } from './clock.ts';
import { notFound } from './errors.ts';
import type { OneTimeLink } from './one-time-links.ts';
import { randomCredential } from './secrets/random.ts';
import type { Services } from './services.ts';

type LinkServices = Pick<Services, 'clock' | 'issuer' | 'keys' | 'stores'>;

const PATHS: Record<OneTimeLink['purpose'], string> = {
  admin_set_up: '/admin/set-up',
  client_password: '/reset-password',
};

/** An issued link: the URL to hand over, this once. */
export interface IssuedLink {
  url: string;
  expiresAt: Date;
}

/** Issues a link that works once within `seconds`; earlier links of the same purpose and subject stop. */
export async function issueLink(
  services: LinkServices,
  options: {
    purpose: OneTimeLink['purpose'];
    subjectId: string;
    seconds: number;
    /** Written in the same step. */
    event?: AuditEvent | undefined;
  },
): Promise<IssuedLink> {
  const { purpose, subjectId, seconds, event } = options;
  const token = randomCredential('tgl_');
  const expiresAt = plusSeconds(services.clock.now(), seconds);
  const digest = services.keys.digest('one_time_link', token);
  await services.stores.oneTimeLinks.insert({ digest, purpose, subjectId, expiresAt }, event);
  return { url: `${services.issuer}${PATHS[purpose]}?token=${token}`, expiresAt };
}

/** The link behind a token while it works, or null; does not use it up. */
export async function findLink(
  services: LinkServices,
  purpose: OneTimeLink['purpose'],
  token: string,
): Promise<OneTimeLink | null> {
  for (const digest of services.keys.digests('one_time_link', token)) {
    const link = await services.stores.oneTimeLinks.find(digest, services.clock.now());
    if (link?.purpose === purpose) return link;
  }
  return null;
}

/** The link behind a token while it works; does not use it up. Throws `not_found`. */
export async function requireLink(
  services: LinkServices,
  purpose: OneTimeLink['purpose'],
  token: string,
): Promise<OneTimeLink> {
  const link = await findLink(services, purpose, token);
  if (link === null) throw notFound('working link', `${token.slice(0, 8)}…`);
  return link;
}

/** Uses a link up. Throws `not_found` when it was used, has expired or never was. */
export async function useLink(
  services: LinkServices,
  purpose: OneTimeLink['purpose'],
  token: string,
): Promise<OneTimeLink> {
  const found = await requireLink(services, purpose, token);
  const used = await services.stores.oneTimeLinks.consume(found.digest, services.clock.now());
  if (used === null) throw notFound('working link', `${token.slice(0, 8)}…`);
  return used;
}
