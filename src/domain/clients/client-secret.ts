/** One secret of a client: made here, shown once, stored as a hash. */
import { randomCredential, randomId } from '../secrets/random.ts';
import type { Services } from '../services.ts';
import type { ClientSecret } from './client.ts';

/** Secrets that a client can hold at a time. */
export const MAX_SECRETS = 10;

/** A new secret: what is stored, and the value when it was generated (else null). */
export interface IssuedSecret {
  stored: ClientSecret;
  generated: string | null;
}

/**
 * Makes a secret: the chosen value, or 256 random bits, which need no bcrypt.
 *
 * @throws DomainError `overloaded` when the bcrypt queue is full
 */
export async function newSecret(
  services: Pick<Services, 'keys' | 'passwords' | 'clock'>,
  options: { label: string; value?: string | undefined; expiresAt?: Date | null },
): Promise<IssuedSecret> {
  const base = {
    secretId: randomId(),
    label: options.label,
    createdAt: services.clock.now(),
    expiresAt: options.expiresAt ?? null,
  };
  if (options.value !== undefined) {
    const hash = await services.passwords.hash(options.value);
    return { stored: { ...base, kind: 'password', hash }, generated: null };
  }
  const generated = randomCredential('tgs_');
  return {
    stored: { ...base, kind: 'generated', hash: services.keys.digest('client_secret', generated) },
    generated,
  };
}

/** The secrets that work at an instant. */
export function liveSecrets(secrets: readonly ClientSecret[], now: Date): ClientSecret[] {
  return secrets.filter((secret) => secret.expiresAt === null || secret.expiresAt > now);
}
