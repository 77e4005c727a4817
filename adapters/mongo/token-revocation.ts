/**
 * Revocation of tokens: one, a family with its access tokens, or all of a client or user. Each enters
 * the change feed in the transaction that revokes, since caches hold access tokens.
 */
import { type ClientSession, type mongo, trusted } from 'mongoose';
import type { AuditEvent } from '../../src/domain/audit/audit-event.ts';
import { EVERY_TOKEN } from '../../src/domain/changes.ts';
import type { TokenOwner, TokenStore } from '../../src/domain/tokens/token-store.ts';
import { type Database, inSession, text } from './connection.ts';
import { gathering } from './gathering.ts';
import type { TokenDocument } from './token-document.ts';
import type { Journals, Transactions, Unit } from './unit-of-work.ts';

type Session = ClientSession | undefined;

/** Tokens that one statement or transaction revokes; more would outlast their time limits. */
const BATCH = 5000;
const EVERY = { kind: 'token', id: EVERY_TOKEN } as const;

/** Condition: unrevoked, and not expired at an instant. */
export function liveTokens(now: Date) {
  return { revokedAt: null, expiresAt: trusted({ $gt: now }) };
}

/** A removal would revoke more tokens than its transaction can hold. */
class TooManyTokens extends Error {}

/** Revocation over the collection of tokens. */
export function tokenRevocation(
  database: Database,
  transactions: Transactions,
  bump: Journals['bump'],
) {
  const tokens = database.native<TokenDocument>('tokens');
  const governed = database.transactions ? transactions.governed : tellingLate(transactions);
  const batches = batchRevocation(tokens, governed);
  return {
    revoke: revocation(database, governed),
    revokeAll: batches.revokeAll,
    ...removalSteps(tokens, batches.revokeBatch, bump),
  };
}

type Batches = ReturnType<typeof batchRevocation>;

/**
 * A standalone server may have revoked before it failed to enter that in the feed. Whoever asks again
 * finds nothing live, so the next revocation of any token tells the caches.
 */
function tellingLate({ governed }: Transactions): Transactions['governed'] {
  let isOwed = false;
  return async (work) => {
    if (isOwed) await governed(async ({ changed }) => changed(EVERY));
    isOwed = false;
    try {
      return await governed(work);
    } catch (error) {
      isOwed = true;
      throw error;
    }
  };
}

/** Revocation of all tokens of an owner, in transactions of one batch each. */
function batchRevocation(
  tokens: mongo.Collection<TokenDocument>,
  governed: Transactions['governed'],
) {
  async function revokeFirst(owner: TokenOwner, now: Date, session: Session) {
    const live = { ...ownedBy(owner), ...liveTokens(now) };
    const options = { projection: { _id: 1 }, limit: BATCH, ...inSession(session) } as const;
    const batch = await tokens.find(live, options).toArray();
    const { modifiedCount } = await tokens.updateMany(
      { _id: { $in: batch.map(({ _id }) => _id) }, revokedAt: null },
      { $set: { revokedAt: now } },
      inSession(session),
    );
    return { revoked: modifiedCount, isLast: batch.length < BATCH };
  }

  /** Revokes one batch of an owner's live tokens; a full one may not be the last. */
  function revokeBatch(owner: TokenOwner, now: Date, eventOf?: (revoked: number) => AuditEvent) {
    // A transaction, so that a rotation that goes on meanwhile is either before it or refused.
    return governed(async ({ session, changed, audited }) => {
      const batch = await revokeFirst(owner, now, session);
      if (batch.revoked > 0) {
        changed(EVERY);
        if (eventOf !== undefined) audited(eventOf(batch.revoked));
      }
      return batch;
    });
  }

  const revokeAll: TokenStore['revokeAll'] = async (owner, now, eventOf) => {
    let [total, isLast] = [0, false];
    while (!isLast) {
      const batch = await revokeBatch(owner, now, eventOf);
      total += batch.revoked;
      isLast = batch.isLast;
    }
    return total;
  };

  return { revokeBatch, revokeAll };
}

function removalSteps(
  tokens: mongo.Collection<TokenDocument>,
  revokeBatch: Batches['revokeBatch'],
  bump: Journals['bump'],
) {
  /**
   * Revokes every live token of an owner who is being removed, in the session of the removal.
   *
   * @throws TooManyTokens, before it revokes any, for `removing` to mend
   */
  async function revokeOwned(owner: TokenOwner, now: Date, session: Session): Promise<void> {
    const live = { ...ownedBy(owner), ...liveTokens(now) };
    const limit = { limit: BATCH + 1, ...inSession(session) };
    if ((await tokens.countDocuments(live, limit)) > BATCH) throw new TooManyTokens();
    const set = { $set: { revokedAt: now } };
    const { modifiedCount } = await tokens.updateMany(live, set, inSession(session));
    if (modifiedCount > 0) await bump([EVERY], session);
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
        await revokeBatch(owner, now);
      }
    }
  }

  return { revokeOwned, removing };
}

interface Revocation {
  tokenId: string;
  now: Date;
}

/** Revocation of one access token or family. */
function revocation(database: Database, governed: Transactions['governed']): TokenStore['revoke'] {
  const tokens = database.native<TokenDocument>('tokens');
  const liveOf = ({ tokenId, now }: Revocation) => ({
    $or: [{ _id: text(tokenId) }, { familyId: tokenId }],
    ...liveTokens(now),
  });

  async function revokeIn({ session, changed }: Unit, one: Revocation): Promise<boolean> {
    const set = { $set: { revokedAt: one.now } };
    const { modifiedCount } = await tokens.updateMany(liveOf(one), set, inSession(session));
    if (modifiedCount > 0) changed({ kind: 'token', id: one.tokenId });
    return modifiedCount > 0;
  }

  // Those that come together share a transaction: each alone would wait its turn at the feed.
  const revokeTogether = gathering<Revocation, boolean>(
    (all) =>
      governed(async (unit) => {
        const outcomes = [];
        for (const one of all) outcomes.push({ value: await revokeIn(unit, one) });
        return outcomes;
      }),
    1,
  );

  return async (tokenId, now, event) => {
    const one = { tokenId, now };
    const isLive = await tokens.findOne(liveOf(one), { projection: { _id: 1 } });
    // What is not live needs no turn, except to tell late.
    if (isLive === null && database.transactions) return false;
    if (event === undefined) return revokeTogether(one);
    return governed(async (unit) => {
      const revoked = await revokeIn(unit, one);
      if (revoked) unit.audited(event);
      return revoked;
    });
  };
}

function ownedBy(owner: TokenOwner) {
  return 'clientId' in owner ? { clientId: text(owner.clientId) } : { userId: text(owner.userId) };
}
