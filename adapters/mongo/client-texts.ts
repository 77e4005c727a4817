/**
 * The searched texts of clients, in a collection of their own: looking through a hundred thousand of
 * them takes a third of the time that looking through the clients would.
 */
import { type mongo, trusted } from 'mongoose';
import { type Database, inSession } from './connection.ts';
import { type Condition, containing, type Found, literally } from './paging.ts';
import { collection, type Stored } from './schema.ts';
import type { Unit } from './unit-of-work.ts';

export const clientTextSchema = collection({ text: String, apiGroups: [String] });

interface ClientText {
  _id: string;
  /** As `searchText` of the client. */
  text: string;
  apiGroups: string[];
}

/**
 * Matches that are named to the page by their ids. Of more than these, the clients are read in the order
 * of the list, which comes upon the next match soon.
 */
const NAMED_MOST = 5000;
/** Texts that a repair writes at once. */
const BATCH = 1000;

/** The texts of a database. */
export interface ClientTexts {
  /** Stores the text of a client, in the unit of the client's own write. */
  put(client: Stored, unit: Pick<Unit, 'session'>): Promise<void>;
  remove(clientId: string, unit: Pick<Unit, 'session'>): Promise<void>;
  /** The clients that have all of these words, in their texts or in the display name of a group. */
  searching(words: string[]): Promise<Found>;
}

/** The texts of a database. */
export function clientTexts(database: Database): ClientTexts {
  const texts = database.native<ClientText>('clientTexts');
  return {
    async put(client, { session }) {
      const { _id, ...text } = textOf(client);
      await texts.replaceOne({ _id }, text, { upsert: true, ...inSession(session) });
    },
    async remove(clientId, { session }) {
      await texts.deleteOne({ _id: clientId }, inSession(session));
    },
    async searching(words) {
      if (words.length === 0) return { conditions: [] };
      const wanted = await Promise.all(words.map((word) => wordOf(database, word)));
      const filter = { $and: wanted.map(inTexts) };
      const named = await texts
        .find(filter, { projection: { _id: 1 }, limit: NAMED_MOST + 1, batchSize: NAMED_MOST + 1 })
        .toArray();
      if (named.length > NAMED_MOST) {
        return { conditions: wanted.map(inClients), count: () => texts.countDocuments(filter) };
      }
      const ids = named.map(({ _id }) => _id);
      return { conditions: [{ _id: trusted({ $in: ids }) }], count: async () => ids.length };
    },
  };
}

function textOf({ _id, searchText, apiGroups }: Stored): ClientText {
  return { _id, text: searchText as string, apiGroups: apiGroups as string[] };
}

/** A searched word, and the groups whose display names have it while their names do not. */
interface Word {
  word: string;
  groups: string[];
}

/** The texts of a group are its name, its display name, its description, one a line. */
async function wordOf(database: Database, word: string): Promise<Word> {
  const has = literally(word);
  const displayed = { $regex: `^(?![^\\n]*${has})[^\\n]*\\n[^\\n]*${has}` };
  const groups = await database
    .native<{ _id: string; searchText: string }>('apiGroups')
    .find({ searchText: displayed }, { projection: { _id: 1 } })
    .toArray();
  return { word, groups: groups.map(({ _id }) => _id) };
}

/** Looking for bytes takes two thirds of the time of a regular expression. */
function inTexts({ word, groups }: Word): mongo.Filter<ClientText> {
  const inText = { $expr: { $gte: [{ $indexOfBytes: ['$text', { $literal: word }] }, 0] } };
  return groups.length === 0 ? inText : { $or: [inText, { apiGroups: { $in: groups } }] };
}

function inClients({ word, groups }: Word): Condition {
  const inText = containing(word);
  return groups.length === 0 ? inText : { $or: [inText, { apiGroups: trusted({ $in: groups }) }] };
}

/**
 * Writes the texts that are missing: of clients that an older version made, or whose insert a crash cut
 * short on a server without transactions. Where none is missing that costs two counts.
 */
export async function repairClientTexts(database: Database): Promise<void> {
  const clients = database.native<Stored>('clients');
  const texts = database.native<ClientText>('clientTexts');
  const [needed, there] = await Promise.all([
    clients.estimatedDocumentCount(),
    texts.estimatedDocumentCount(),
  ]);
  if (needed === there) return;
  const known = new Set<string>();
  for await (const { _id } of texts.find({}, { projection: { _id: 1 } })) known.add(_id);
  let missing: ClientText[] = [];
  const write = async () => {
    const puts = missing.map((text) => ({
      replaceOne: { filter: { _id: text._id }, replacement: text, upsert: true },
    }));
    missing = [];
    if (puts.length > 0) await texts.bulkWrite(puts, { ordered: false });
  };
  for await (const client of clients.find({}, { projection: { searchText: 1, apiGroups: 1 } })) {
    if (!known.has(client._id)) missing.push(textOf(client));
    if (missing.length === BATCH) await write();
  }
  await write();
}
