/** Revocation of tokens: one, a family with its access tokens, or all of a client or user. */
import { type ClientSession, type mongo, trusted } from 'mongoose';
import type { TokenOwner, TokenStore } from '../../src/domain/tokens/token-store.ts';
import { inSession, text } from './connection.ts';
import type { TokenDocument } from './token-document.ts';
import type { Transactions } from './unit-of-work.ts';

/** Tokens that one statement or transaction revokes; more would outlast their time limits. */
const BATCH = 5000;

/** Condition: unrevoked, and not expired at an instant. */
export function liveTokens(now: Date) {
  return { revokedAt: null, expiresAt: trusted({ $gt: now }) };
}

/** Revocation over the collection of tokens. */
export function tokenRevocation(
  tokens: mongo.Collection<TokenDocument>,
  atomically: Transactions['atomically'],
) {
  /** Revokes every live token of an owner at once, in a session where one is given. */
  async function revokeOwned(
    owner: TokenOwner,
    now: Date,
    session: ClientSession | undefined,
  ): Promise<number> {
    const { modifiedCount } = await tokens.updateMany(
      { ...ownedBy(owner), ...liveTokens(now) },
      { $set: { revokedAt: now } },
      inSession(session),
    );
    return modifiedCount;
  }

  /**
   * Revokes live tokens of an owner in batches, until fewer than one batch is left; so that removing
   * a client of a million tokens fits into a transaction. Answers how many.
   */
  async function thinOut(owner: TokenOwner, now: Date): Promise<number> {
    let revoked = 0;
    for (;;) {
      const live = { ...ownedBy(owner), ...liveTokens(now) };
      const batch = await tokens.find(live, { projection: { _id: 1 }, limit: BATCH }).toArray();
      if (batch.length < BATCH) return revoked;
      const { modifiedCount } = await tokens.updateMany(
        { _id: { $in: batch.map(({ _id }) => _id) }, revokedAt: null },
        { $set: { revokedAt: now } },
      );
      revoked += modifiedCount;
    }
  }

  const revoke: TokenStore['revoke'] = (tokenId, now) =>
    atomically(async (session) => {
      const { modifiedCount } = await tokens.updateMany(
        { $or: [{ _id: text(tokenId) }, { familyId: tokenId }], ...liveTokens(now) },
        { $set: { revokedAt: now } },
        inSession(session),
      );
      return modifiedCount > 0;
    });

  // A transaction, so that a rotation that goes on meanwhile is either before it or refused.
  const revokeAll: TokenStore['revokeAll'] = async (owner, now) =>
    (await thinOut(owner, now)) + (await atomically((session) => revokeOwned(owner, now, session)));

  return { revoke, revokeAll, revokeOwned, thinOut };
}

function ownedBy(owner: TokenOwner) {
  return 'clientId' in owner ? { clientId: text(owner.clientId) } : { userId: text(owner.userId) };
}
