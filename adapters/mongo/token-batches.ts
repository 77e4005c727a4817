/**
 * The hot paths of tokens: read by id, insert. Each gathers the calls of a moment into one command of
 * the driver's own collection; a document is neither hydrated nor cast by Mongoose, which would double
 * the cost of a call, and needs neither: ids are checked to be text, and documents are made field by
 * field from typed values.
 */
import type { mongo } from 'mongoose';
import { text } from './connection.ts';
import { gathering, type Outcome } from './gathering.ts';
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
