/** Charges: what an allowed decision spends, each with its way back. */
import type { TokenStore } from '../tokens/token-store.ts';
import type { Facts } from './facts.ts';
import { refuse, type Verdict } from './verdict.ts';

/** Where charges are booked. */
export interface Meters {
  tokens: TokenStore;
}

/** A charge that was granted. */
export interface Charged {
  /** Uses of the token spent so far, this one included. */
  uses?: number;
  /** Gives it back; called when a later charge of the same decision fails. */
  refund: () => Promise<void>;
}

/** Spends something: granted, refused with a verdict, or nothing to spend (null). */
export type Charge = (facts: Facts, meters: Meters) => Promise<Charged | Verdict | null>;

/** Spends one use of an access token with a use limit. */
export async function chargeUse(
  facts: Facts,
  { tokens }: Meters,
): Promise<Charged | Verdict | null> {
  if (facts.credential.kind !== 'access_token' || facts.credential.token.maxUses === 0) return null;
  const { tokenId, maxUses } = facts.credential.token;
  const uses = await tokens.spend(tokenId, facts.now);
  if (uses === null) return refuse('token_uses_exhausted', { spent: maxUses }, { below: maxUses });
  return { uses, refund: () => tokens.refund(tokenId) };
}
