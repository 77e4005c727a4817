/**
 * Access tokens and refresh-token families; their uses are spent in charges.ts. Revoking a family
 * marks its access tokens in the same transaction, and a rotation writes the family too, so of the two
 * one comes first and no access token slips through; `findAccess` need not read the family. A
 * standalone server has no transactions: there it does read it, and a crash within a rotation costs
 * the client its refresh token, but never grants one refresh too many.
 */
import type { ClientSession, mongo } from 'mongoose';
import { conflict } from '../../src/domain/errors.ts';
import type { AccessToken, RefreshFamily, StoredToken } from '../../src/domain/tokens/token.ts';
import type { TokenOwner, TokenStore } from '../../src/domain/tokens/token-store.ts';
import { type Database, inSession, text } from './connection.ts';
import { takenKey } from './errors.ts';
import { pageOf, type Sort } from './paging.ts';
import type { Stored } from './schema.ts';
import { documentInserter, documentReader } from './token-batches.ts';
import { decodeToken, encodeToken, type TokenDocument, tokenSchema } from './token-document.ts';
import { liveTokens, tokenRevocation } from './token-revocation.ts';
import { rotator } from './token-rotation.ts';
import type { Journals, Transactions } from './unit-of-work.ts';

const SORTS: readonly [Sort] = [{ field: 'issuedAt', path: 'issuedAt', type: 'date' }];

/** The port, and what removing a client or user needs besides. */
export type Tokens = TokenStore & Omit<ReturnType<typeof tokenRevocation>, 'revoke' | 'revokeAll'>;

/** Tokens of a database. */
export function tokenStore(
  database: Database,
  transactions: Transactions,
  bump: Journals['bump'],
): Tokens {
  const { atomically } = transactions;
  const tokens = database.native<TokenDocument>('tokens');
  const insert = documentInserter(tokens);
  return {
    ...finding(database, tokens),
    issue: (access, family) =>
      namingTaken(access, () =>
        family === null
          ? insert(encodeToken(access))
          : atomically((session) => insertBoth(tokens, { access, family, session })),
      ),
    rotate: rotator(tokens, atomically),
    ...tokenRevocation(database, transactions, bump),
  };
}

function finding(
  database: Database,
  tokens: mongo.Collection<TokenDocument>,
): Pick<TokenStore, 'findAccess' | 'findFamily' | 'countLive' | 'list'> {
  const model = database.connection.model<Stored>('Token', tokenSchema, 'tokens');
  const read = documentReader(tokens);

  async function findFamily(familyId: string): Promise<RefreshFamily | null> {
    const found = await read(familyId);
    return found?.kind === 'refresh_token' ? (decodeToken(found) as RefreshFamily) : null;
  }

  async function findAccess(tokenId: string): Promise<AccessToken | null> {
    const found = await read(tokenId);
    if (found?.kind !== 'access_token') return null;
    const token = decodeToken(found) as AccessToken;
    if (database.transactions || token.familyId === null || token.revokedAt !== null) return token;
    const family = await findFamily(token.familyId);
    return { ...token, revokedAt: family?.revokedAt ?? null };
  }

  const list: TokenStore['list'] = (owner, { now, ...query }) =>
    pageOf(
      {
        ...{ model, sorts: SORTS, descending: true, idAscending: true },
        conditions: (whose: TokenOwner) => [{ ...whose }, liveTokens(now)],
        decode: (stored) => decodeToken(stored as unknown as TokenDocument),
      },
      { ...query, filter: owner },
    );

  async function countLive(clientIds: readonly string[], now: Date): Promise<Map<string, number>> {
    const ofClients = { clientId: { $in: clientIds.map(text) }, ...liveTokens(now) };
    const counts = await tokens
      .aggregate<{ _id: string; live: number }>([
        { $match: ofClients },
        { $group: { _id: '$clientId', live: { $sum: 1 } } },
      ])
      .toArray();
    return new Map(counts.map(({ _id, live }) => [_id, live]));
  }

  return { findAccess, findFamily, countLive, list };
}

/** The access token goes first: its id is the one that can be taken. */
async function insertBoth(
  tokens: mongo.Collection<TokenDocument>,
  issued: { access: AccessToken; family: RefreshFamily; session: ClientSession | undefined },
): Promise<void> {
  const { access, family, session } = issued;
  const last = Math.max(access.expiresAt.getTime(), family.expiresAt.getTime());
  const revokedAt = access.revokedAt ?? family.revokedAt;
  const documents = [encodeToken({ ...access, revokedAt }), encodeToken(family, new Date(last))];
  await tokens.insertMany(documents, inSession(session));
}

async function namingTaken(token: StoredToken, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw takenKey(error) === null ? error : conflict('tokenId', token.tokenId);
  }
}
