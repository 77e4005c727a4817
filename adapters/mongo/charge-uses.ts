/**
 * Uses of access tokens. Calls for the same token share a statement, which takes as many of their
 * weights as are left, the first to come first.
 */
import type { ClientSession, mongo } from 'mongoose';
import { inSession, text } from './connection.ts';
import type { TokenDocument } from './token-document.ts';

/** A charge of one token. */
export interface UseCharge {
  weight: number;
  now: Date;
}

/** Charges in one statement; answers the uses so far, for each: null where it was refused. */
export type TakeUses = (
  tokenId: string,
  charges: UseCharge[],
  session?: ClientSession | undefined,
) => Promise<(number | null)[]>;

/** What a charge must know of the token as it was before. */
type Allowance = Pick<TokenDocument, 'uses' | 'maxUses' | 'expiresAt'>;

/** Charges of the collection of tokens. */
export function useCharges(tokens: mongo.Collection<TokenDocument>): TakeUses {
  return async (tokenId, charges, session) => {
    const after = usesAfter(charges);
    const before = await tokens.findOneAndUpdate(
      {
        _id: text(tokenId),
        kind: 'access_token',
        revokedAt: null,
        $expr: { $gt: [after, '$uses'] },
      },
      [{ $set: { uses: after } }],
      {
        returnDocument: 'before',
        projection: { uses: 1, maxUses: 1, expiresAt: 1 },
        ...inSession(session),
      },
    );
    return shares(before, charges);
  };
}

function usesAfter(charges: UseCharge[]): mongo.Document {
  const grown = { $add: ['$$value', '$$this.weight'] };
  const isLeft = { $or: [{ $eq: ['$maxUses', 0] }, { $lte: [grown, '$maxUses'] }] };
  const isInTime = { $lt: ['$$this.now', '$expiresAt'] };
  return {
    $reduce: {
      input: { $literal: charges.map(({ weight, now }) => ({ weight, now })) },
      initialValue: '$uses',
      in: { $cond: [{ $and: [isInTime, isLeft] }, grown, '$$value'] },
    },
  };
}

/** The same arithmetic as the statement's, charge by charge. */
function shares(before: Allowance | null, charges: UseCharge[]): (number | null)[] {
  if (before === null) return charges.map(() => null);
  const { maxUses, expiresAt } = before;
  let { uses } = before;
  return charges.map(({ weight, now }) => {
    if (now >= expiresAt || (maxUses > 0 && uses + weight > maxUses)) return null;
    uses += weight;
    return uses;
  });
}
