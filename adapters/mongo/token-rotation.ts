/** Rotation of refresh tokens: count, replace and issue in one transaction; of concurrent ones, one wins. */
import type { ClientSession, mongo } from 'mongoose';
import type { Rotation, TokenStore } from '../../src/domain/tokens/token-store.ts';
import { inSession, text } from './connection.ts';
import { gatheringByKey, type Outcome } from './gathering.ts';
import { encodeToken, type TokenDocument } from './token-document.ts';
import { liveTokens } from './token-revocation.ts';
import type { Transactions } from './unit-of-work.ts';

type Collection = mongo.Collection<TokenDocument>;

/** Limits are those at issuance; 0 = unlimited. */
const REFRESH_LEFT = {
  $expr: { $or: [{ $eq: ['$maxUses', 0] }, { $lt: ['$uses', '$maxUses'] }] },
};

/**
 * Rotates. The calls of one family take turns in a process, and look before they open a transaction:
 * of a thousand calls with one token, all but a few are refused by a read.
 */
export function rotator(
  tokens: Collection,
  atomically: Transactions['atomically'],
): TokenStore['rotate'] {
  const rotate = gatheringByKey(async (familyId, rotations: Rotation[]) => {
    const outcomes: Outcome<boolean>[] = [];
    let current = await currentDigest(tokens, familyId);
    for (const rotation of rotations) {
      const isCurrent = current !== null && current === rotation.fromDigest;
      const outcome = isCurrent ? await attempted(tokens, atomically, rotation) : { value: false };
      outcomes.push(outcome);
      if (isCurrent) current = await currentDigest(tokens, familyId);
    }
    return outcomes;
  });
  return (rotation) => rotate(rotation.familyId, rotation);
}

async function currentDigest(tokens: Collection, familyId: string): Promise<string | null> {
  const projection = { currentDigest: 1 };
  return (await tokens.findOne({ _id: text(familyId) }, { projection }))?.currentDigest ?? null;
}

async function attempted(
  tokens: Collection,
  atomically: Transactions['atomically'],
  rotation: Rotation,
): Promise<Outcome<boolean>> {
  try {
    return { value: await atomically((session) => rotated(tokens, rotation, session)) };
  } catch (error) {
    return { error };
  }
}

async function rotated(
  tokens: Collection,
  { familyId, fromDigest, toDigest, access, now }: Rotation,
  session: ClientSession | undefined,
): Promise<boolean> {
  const options = inSession(session);
  const current = { kind: 'refresh_token', currentDigest: text(fromDigest) } as const;
  const { modifiedCount } = await tokens.updateOne(
    { _id: text(familyId), ...current, ...liveTokens(now), ...REFRESH_LEFT },
    {
      $set: { currentDigest: toDigest, rotatedAt: now },
      $inc: { uses: 1 },
      $max: { purgeAt: access.expiresAt },
    },
    options,
  );
  if (modifiedCount === 0) return false;
  await tokens.insertOne(encodeToken(access), options);
  return true;
}
