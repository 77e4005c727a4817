/** Tokens: access tokens and refresh-token families. The hot path; typed columns, one statement each. */
import { EVERY_TOKEN } from '../../src/domain/changes.ts';
import type { AccessToken, RefreshFamily, StoredToken } from '../../src/domain/tokens/token.ts';
import type { Rotation, TokenOwner, TokenStore } from '../../src/domain/tokens/token-store.ts';
import type { Audit } from './audit.ts';
import type { Changes } from './changes.ts';
import type { Connection } from './connection.ts';
import { reading, refusingTaken } from './errors.ts';
import { readPage } from './page.ts';
import { FAMILY_IS_LIVE, type TokenRow, tokenOf, tokenStatements, valuesOf } from './token-rows.ts';

/** The store, and how client and user stores write to it. */
export interface Tokens extends TokenStore {
  /** `revokeAll` inside the caller's transaction, without an event. */
  revokeAllNow(owner: TokenOwner, now: Date): number;
}

/** Where the end of tokens is entered. */
interface Journals {
  audit: Audit;
  changes: Changes;
}

/** The tokens of a connection. */
export function tokenStore(connection: Connection, journals: Journals): Tokens {
  const sql = tokenStatements(connection);
  return {
    ...tokenReads(connection, sql),
    ...tokenIssuing(connection, sql),
    ...tokenRevocations(connection, sql, journals),
  };
}

type Statements = ReturnType<typeof tokenStatements>;

function tokenReads(
  connection: Connection,
  sql: Statements,
): Pick<Tokens, 'findAccess' | 'findFamily' | 'countLive' | 'list'> {
  return {
    findAccess: (tokenId) => reading(() => tokenOrNull<AccessToken>(sql.findAccess.get(tokenId))),
    findFamily: (id) => reading(() => tokenOrNull<RefreshFamily>(sql.findFamily.get(id))),
    countLive: (clientIds, now) =>
      reading(() => {
        const rows = sql.countLive.all(now.getTime(), JSON.stringify(clientIds));
        return new Map(rows.map(({ client_id, live }) => [client_id, live]));
      }),
    list: (owner, query) =>
      reading(() => {
        const find = (id: string) => tokenOrNull<StoredToken>(sql.find.get(id));
        return readPage(connection, pageOf(owner, query), find);
      }),
  };
}

/** The token of a statement that selects one kind. */
function tokenOrNull<T extends StoredToken>(row: TokenRow | undefined): T | null {
  return row === undefined ? null : (tokenOf(row) as T);
}

function tokenIssuing(
  { write, transact }: Connection,
  sql: Statements,
): Pick<Tokens, 'issue' | 'rotate'> {
  function insert(token: StoredToken, purgeAt: Date): void {
    refusingTaken({ token_id: ['tokenId', token.tokenId] }, () =>
      sql.insert.run(...valuesOf(token, purgeAt)),
    );
  }
  function issue(access: AccessToken, family: RefreshFamily | null): void {
    if (family !== null) insert(family, later(family.expiresAt, access.expiresAt));
    else if (access.familyId !== null) {
      sql.keepFamily.run(access.expiresAt.getTime(), access.familyId);
    }
    insert(access, access.expiresAt);
  }
  function rotate({ familyId, fromDigest, toDigest, access, now }: Rotation): boolean {
    const [at, purgeAt] = [now.getTime(), access.expiresAt.getTime()];
    const { changes } = sql.rotate.run(toDigest, at, purgeAt, familyId, fromDigest, at);
    if (changes === 0) return false;
    insert(access, access.expiresAt);
    return true;
  }
  return {
    // A token that a power cut takes costs its client another request, and grants nothing.
    issue: (access, family) =>
      (family === null && access.familyId === null ? write : transact)(
        () => issue(access, family),
        'process_end',
      ),
    rotate: (rotation) => transact(() => rotate(rotation)),
  };
}

function tokenRevocations(
  { transact }: Connection,
  sql: Statements,
  { audit, changes }: Journals,
): Pick<Tokens, 'revoke' | 'revokeAll' | 'revokeAllNow'> {
  function revokeAllNow(owner: TokenOwner, now: Date): number {
    const [statements, id] =
      'clientId' in owner ? [sql.revokeClient, owner.clientId] : [sql.revokeUser, owner.userId];
    const at = now.getTime();
    const revoked = statements.reduce((sum, each) => sum + Number(each.run(at, id, at).changes), 0);
    if (revoked > 0) changes.enter('token', EVERY_TOKEN);
    return revoked;
  }
  return {
    revoke: (tokenId, now, event) =>
      transact(() => {
        const revoked = sql.revoke.run(now.getTime(), tokenId, now.getTime()).changes === 1;
        if (revoked) changes.enter('token', tokenId);
        if (revoked && event !== undefined) audit.enter(event);
        return revoked;
      }),
    revokeAll: (owner, now, eventOf) =>
      transact(() => {
        const revoked = revokeAllNow(owner, now);
        if (revoked > 0 && eventOf !== undefined) audit.enter(eventOf(revoked));
        return revoked;
      }),
    revokeAllNow,
  };
}

function later(a: Date, b: Date): Date {
  return a > b ? a : b;
}

function pageOf(owner: TokenOwner, query: Parameters<TokenStore['list']>[1]) {
  const [column, id] =
    'clientId' in owner ? ['client_id', owner.clientId] : ['user_id', owner.userId];
  const { limit, cursor, now } = query;
  return {
    from: 'tokens t',
    where: [
      { sql: `t.${column} = ?`, values: [id] },
      { sql: 't.revoked_at IS NULL AND t.expires_at > ?', values: [now.getTime()] },
      { sql: FAMILY_IS_LIVE, values: [] },
    ],
    order: {
      field: 'issuedAt',
      key: 't.issued_at',
      descending: true,
      id: 't.token_id',
      idDescending: false,
    },
    limit,
    cursor,
    isIndexed: true,
  };
}
