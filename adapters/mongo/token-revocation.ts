/** Revocation of tokens: one, a family with its access tokens, or all of a client or user. */
import { type ClientSession, type mongo, trusted } from 'mongoose';
import type { AuditEvent } from '../../src/domain/audit/audit-event.ts';
import type { TokenOwner, TokenStore } from '../../src/domain/tokens/token-store.ts';
import { inSession, text } from './connection.ts';
import type { TokenDocument } from './token-document.ts';
import type { Transactions } from './unit-of-work.ts';

type Session = ClientSession | undefined;

/** Tokens that one statement or transaction revokes; more would outlast their time limits. */
const BATCH = 5000;

/** Condition: unrevoked, and not expired at an instant. */
export function liveTokens(now: Date) {
  return { revokedAt: null, expiresAt: trusted({ $gt: now }) };
}

/** A removal would revoke more tokens than its transaction can hold. */
class TooManyTokens extends Error {}

/** Revocation over the collection of tokens. */
export function tokenRevocation(
  tokens: mongo.Collection<TokenDocument>,
  transactions: Transactions,
) {
  const revokeBatch = batchRevoker(tokens);
  return {
    ...revocations(tokens, transactions, revokeBatch),
    ...removalSteps(tokens, revokeBatch),
  };
}

type RevokeBatch = ReturnType<typeof batchRevoker>;

function batchRevoker(tokens: mongo.Collection<TokenDocument>) {
  /** Revokes one batch of an owner's live tokens; a full one may not be the last. */
  return async function revokeBatch(owner: TokenOwner, now: Date, session: Session) {
    const live = { ...ownedBy(owner), ...liveTokens(now) };
    const options = { projection: { _id: 1 }, limit: BATCH, ...inSession(session) } as const;
    const batch = await tokens.find(live, options).toArray();
    const { modifiedCount } = await tokens.updateMany(
      { _id: { $in: batch.map(({ _id }) => _id) }, revokedAt: null },
      { $set: { revokedAt: now } },
      inSession(session),
    );
    return { revoked: modifiedCount, isLast: batch.length < BATCH };
  };
}

function removalSteps(tokens: mongo.Collection<TokenDocument>, revokeBatch: RevokeBatch) {
  /**
   * Revokes every live token of an owner who is being removed, in the session of the removal.
   *
   * @throws TooManyTokens, before it revokes any, for `removing` to mend
   */
  async function revokeOwned(owner: TokenOwner, now: Date, session: Session): Promise<void> {
    const live = { ...ownedBy(owner), ...liveTokens(now) };
    const limit = { limit: BATCH + 1, ...inSession(session) };
    if ((await tokens.countDocuments(live, limit)) > BATCH) throw new TooManyTokens();
    await tokens.updateMany(live, { $set: { revokedAt: now } }, inSession(session));
  }

  /**
   * Runs a removal that revokes by `revokeOwned`: all or nothing, up to 5000 live tokens. Of more, a
   * batch at a time is revoked before it, each time after the removal has checked its own conditions;
   * where another write comes in between and it is refused after all, those tokens stay revoked.
   */
  async function removing<T>(owner: TokenOwner, now: Date, removal: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await removal();
      } catch (error) {
        if (!(error instanceof TooManyTokens)) throw error;
        await revokeBatch(owner, now, undefined);
      }
    }
  }

  return { revokeOwned, removing };
}

function revocations(
  tokens: mongo.Collection<TokenDocument>,
  { atomically, governed }: Transactions,
  revokeBatch: RevokeBatch,
): Pick<TokenStore, 'revoke' | 'revokeAll'> {
  /** Revokes in a transaction, which also holds the event where something was revoked. */
  function revoking(
    work: (session: Session) => Promise<number>,
    eventOf: ((revoked: number) => AuditEvent) | undefined,
  ): Promise<number> {
    if (eventOf === undefined) return atomically(work);
    return governed(async ({ session, audited }) => {
      const revoked = await work(session);
      if (revoked > 0) audited(eventOf(revoked));
      return revoked;
    });
  }

  const revoke: TokenStore['revoke'] = async (tokenId, now, event) => {
    const family = { $or: [{ _id: text(tokenId) }, { familyId: tokenId }], ...liveTokens(now) };
    const work = async (session: Session) => {
      const set = { $set: { revokedAt: now } };
      return (await tokens.updateMany(family, set, inSession(session))).modifiedCount;
    };
    return (await revoking(work, event && (() => event))) > 0;
  };

  // Transactions, so that a rotation that goes on meanwhile is either before them or refused.
  const revokeAll: TokenStore['revokeAll'] = async (owner, now, eventOf) => {
    let [total, isLast] = [0, false];
    const work = async (session: Session) => {
      const batch = await revokeBatch(owner, now, session);
      isLast = batch.isLast;
      return batch.revoked;
    };
    while (!isLast) total += await revoking(work, eventOf);
    return total;
  };

  return { revoke, revokeAll };
}

function ownedBy(owner: TokenOwner) {
  return 'clientId' in owner ? { clientId: text(owner.clientId) } : { userId: text(owner.userId) };
}
