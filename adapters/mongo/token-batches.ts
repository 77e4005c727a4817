/**
 * The hot paths of tokens: read by id, insert, spend. Each gathers the calls of a moment into one
 * command of the driver's own collection; a document is neither hydrated nor cast by Mongoose, which
 * would double the cost of a call, and needs neither: ids are checked to be text, and documents are
 * made field by field from typed values.
 */
import type { mongo } from 'mongoose';
import { text } from './connection.ts';
import { gathering, gatheringByKey, type Outcome } from './gathering.ts';
import type { TokenDocument } from './token-document.ts';

type Collection = mongo.Collection<TokenDocument>;

/** Commands of one kind that may be under way. */
const AT_ONCE = 4;

/** What a failed `insertMany` tells about its documents. */
interface BatchError {
  name?: string;
  writeErrors?: { index: number }[];
  result?: { getWriteConcernError(): unknown };
}

/** What a spend must know of the token as it was before. */
type Allowance = Pick<TokenDocument, 'uses' | 'maxUses' | 'expiresAt'>;

/** Reads one document by its id; null when there is none. */
export function documentReader(tokens: Collection): (id: string) => Promise<TokenDocument | null> {
  const read = gathering<string, TokenDocument | null>(async (ids) => {
    const [first = '', ...others] = new Set(ids);
    if (others.length === 0) {
      const value = await tokens.findOne({ _id: first });
      return ids.map(() => ({ value }));
    }
    const size = others.length + 1;
    const found = await tokens
      .find({ _id: { $in: [first, ...others] } }, { limit: size, batchSize: size })
      .toArray();
    const byId = new Map(found.map((document) => [document._id, document]));
    return ids.map((id) => ({ value: byId.get(id) ?? null }));
  }, AT_ONCE);
  return async (id) => read(text(id));
}

/** Inserts one document; resolves when it is durable. */
export function documentInserter(tokens: Collection): (document: TokenDocument) => Promise<void> {
  return gathering<TokenDocument, void>(async (documents) => {
    try {
      await tokens.insertMany(documents, { ordered: false });
      return documents.map(() => ({ value: undefined }));
    } catch (error) {
      return insertOutcomes(documents, error);
    }
  }, AT_ONCE);
}

/** One document that is refused does not fail the others; a write without its majority fails all. */
function insertOutcomes(documents: TokenDocument[], error: unknown): Outcome<void>[] {
  const { name, writeErrors = [], result } = (error ?? {}) as BatchError;
  const isRefusal = name === 'MongoBulkWriteError' && writeErrors.length > 0;
  if (!isRefusal || result?.getWriteConcernError()) return documents.map(() => ({ error }));
  const refused = new Map(writeErrors.map((own) => [own.index, own]));
  return documents.map((_, index) => {
    const own = refused.get(index);
    return own === undefined ? { value: undefined } : { error: own };
  });
}

/**
 * Spends one use of an access token. Calls for the same token share a statement, which takes as many
 * uses as there are calls, or as are left; the first to come get them.
 */
export function spender(
  tokens: Collection,
): (tokenId: string, now: Date) => Promise<number | null> {
  return gatheringByKey((tokenId, nows: Date[]) => spendMany(tokens, tokenId, nows));
}

async function spendMany(
  tokens: Collection,
  tokenId: string,
  nows: Date[],
): Promise<Outcome<number | null>[]> {
  const inTime = { $filter: { input: nows, as: 'now', cond: { $lt: ['$$now', '$expiresAt'] } } };
  const left = { $subtract: ['$maxUses', '$uses'] };
  const granted = {
    $cond: [{ $eq: ['$maxUses', 0] }, { $size: inTime }, { $min: [{ $size: inTime }, left] }],
  };
  const before = await tokens.findOneAndUpdate(
    {
      _id: text(tokenId),
      kind: 'access_token',
      revokedAt: null,
      $expr: { $gt: [granted, 0] },
    },
    [{ $set: { uses: { $add: ['$uses', granted] } } }],
    { returnDocument: 'before', projection: { uses: 1, maxUses: 1, expiresAt: 1 } },
  );
  return shares(before, nows);
}

/** The same arithmetic as the statement's, call by call. */
function shares(before: Allowance | null, nows: Date[]): Outcome<number | null>[] {
  if (before === null) return nows.map(() => ({ value: null }));
  let { uses } = before;
  return nows.map((now) => {
    const refused = now >= before.expiresAt || (before.maxUses > 0 && uses >= before.maxUses);
    if (!refused) uses += 1;
    return { value: refused ? null : uses };
  });
}
