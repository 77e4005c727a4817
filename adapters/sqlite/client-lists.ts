/** Which clients a list holds: filters, search, and counts by status. */
import type {
  ClientCounts,
  ClientFilter,
  ClientReference,
  ClientStatusFilter,
} from '../../src/domain/clients/client-store.ts';
import type { Connection, SqlValue } from './connection.ts';
import { type Held, naming } from './holdings.ts';
import { type Condition, clause, conjunction, containing, equalities } from './page.ts';

/** The ends of time, for clients that are open on one side, or were never used. */
export const [BEGINNING, FOREVER] = [-8.64e15, 8.64e15];

const LIVE = `status = 'enabled' AND locked_at IS NULL`;

/**
 * The first that applies is a client's status: disabled, locked, not started, expired, enabled. The plus
 * signs lead SQLite to the index of starts, by which the few that have yet to start are found.
 */
const STATUSES: Record<ClientStatusFilter, string> = {
  disabled: `status = 'disabled'`,
  locked: `status = 'enabled' AND locked_at IS NOT NULL`,
  not_started: `+status = 'enabled' AND +locked_at IS NULL AND starts_at > :at`,
  expired: `${LIVE} AND starts_at <= :at AND expires_at <= :at`,
  enabled: `${LIVE} AND starts_at <= :at AND expires_at > :at`,
};

/** The condition of a status at an instant. */
function statusCondition(status: ClientStatusFilter, at: number): Condition {
  const parts = STATUSES[status].split(':at');
  return { sql: parts.join('?'), values: parts.slice(1).map(() => at) };
}

/** The conditions of a filter. */
export function clientConditions(filter: ClientFilter): Condition[] {
  const { at, status, audience, securityLevel, apiGroup, environment, kind } = filter;
  const { naming: named, expiringBefore, idleSince } = filter;
  return [
    ...(status === undefined ? [] : [statusCondition(status, at.getTime())]),
    ...equalities({ audience, environment, kind }),
    ...(securityLevel === undefined ? [] : [atLevel(securityLevel)]),
    ...(apiGroup === undefined ? [] : [holding([apiGroup])]),
    ...(named === undefined ? [] : [namingOneOf(named)]),
    ...(expiringBefore === undefined ? [] : [expiring(at, expiringBefore)]),
    ...(idleSince === undefined ? [] : [idle(idleSince.getTime())]),
  ];
}

function expiring(after: Date, before: Date): Condition {
  return {
    sql: 'expires_at > ? AND expires_at < ?',
    values: [after.getTime(), Math.min(before.getTime(), FOREVER)],
  };
}

/** The plus signs keep SQLite from the index of a date that most clients may pass. */
function idle(since: number): Condition {
  return { sql: '+last_used_at < ? AND +created_at < ?', values: [since, since] };
}

/** The likelihood leads SQLite to whatever else finds few, such as a search, and else to the index. */
function atLevel(securityLevel: string): Condition {
  return { sql: 'likelihood(security_level = ?, 0.2)', values: [securityLevel] };
}

const HELD_AS: Record<ClientReference, Held['kind']> = {
  apiGroups: 'api_group',
  servedApiGroups: 'served_api_group',
  apiScopes: 'api_scope',
  userAllowlist: 'allowed_user',
};

function namingOneOf({ fields, anyOf }: NonNullable<ClientFilter['naming']>): Condition {
  return naming(
    'client',
    fields.map((field) => HELD_AS[field]),
    anyOf,
  );
}

function holding(apiGroups: string[]): Condition {
  return namingOneOf({ fields: ['apiGroups'], anyOf: apiGroups });
}

/** The index knows runs of three characters; shorter words are looked for in every text. */
const SHORTEST_INDEXED = 3;

/**
 * Conditions of searched words. A word is looked for in the clients' own texts, which hold the names of
 * their API groups, and in the display names of the groups whose names do not have it.
 */
export function clientSearch({ prepare }: Connection): (words: readonly string[]) => Condition[] {
  // The texts of a group are its name, its display name, its description, one a line.
  const displayed = prepare<{ id: string }>(
    `SELECT id FROM api_groups
     WHERE instr(search, ?1) > instr(search, char(10)) AND instr(search, ?1) <=
       instr(search, char(10)) + instr(substr(search, instr(search, char(10)) + 1), char(10))`,
  );
  return (words) => {
    const indexedWords: string[] = [];
    const others: Condition[] = [];
    for (const word of words) {
      const groups = displayed.all(word).map(({ id }) => id);
      const isIndexed = [...word].length >= SHORTEST_INDEXED && !word.includes('\0');
      if (groups.length > 0) {
        const own = isIndexed ? indexed([word]) : containing('search', word);
        others.push(either(own, holding(groups)));
      } else if (isIndexed) indexedWords.push(word);
      else others.push(containing('search', word));
    }
    return indexedWords.length === 0 ? others : [indexed(indexedWords), ...others];
  };
}

/** All of these words, in one look into the index. */
function indexed(words: readonly string[]): Condition {
  const phrases = words.map((word) => `"${word.replaceAll('"', '""')}"`);
  const [each, values] = conjunction(words.map((word) => containing('search', word)));
  return {
    sql: 'number IN (SELECT rowid FROM clients_search WHERE clients_search MATCH ?)',
    values: [phrases.join(' AND ')],
    ofRow: { sql: each, values },
  };
}

function either({ sql, values, ofRow }: Condition, other: Condition): Condition {
  const or = (one: { sql: string; values: SqlValue[] }) => ({
    sql: `${one.sql} OR ${other.sql}`,
    values: [...one.values, ...other.values],
  });
  return { ...or({ sql, values }), ...(ofRow && { ofRow: or(ofRow) }) };
}

const NAMES = Object.keys(STATUSES) as ClientStatusFilter[];

/** Counts the clients of some conditions by status. */
export function countClients(
  connection: Connection,
  conditions: readonly Condition[],
  at: Date,
): ClientCounts {
  return conditions.length === 0 ? countAll(connection, at) : countIn(connection, conditions, at);
}

/** One look into an index for each status; the enabled ones, nearly all, are what the others leave. */
function countAll({ prepare }: Connection, at: Date): ClientCounts {
  const counted = NAMES.filter((name) => name !== 'enabled');
  const each = counted.map((name) => statusCondition(name, at.getTime()));
  const counts = each.map(
    ({ sql }, i) => `(SELECT count(*) FROM clients WHERE ${sql}) AS ${counted[i]}`,
  );
  const row = prepare<Omit<ClientCounts, 'enabled'>>(
    `SELECT (SELECT count(*) FROM clients) AS "all", ${counts.join(', ')}`,
  ).get(...each.flatMap(({ values }) => values)) as Omit<ClientCounts, 'enabled'>;
  const { all, disabled, locked, not_started, expired } = row;
  return { ...row, enabled: all - disabled - locked - not_started - expired };
}

/** One pass over all that meet the conditions. */
function countIn(
  { prepare }: Connection,
  conditions: readonly Condition[],
  at: Date,
): ClientCounts {
  const each = NAMES.map((name) => statusCondition(name, at.getTime()));
  const [where, values] = clause(conditions);
  const sums = each.map(({ sql }, i) => `coalesce(sum(${sql}), 0) AS ${NAMES[i]}`);
  const counts = prepare<ClientCounts>(
    `SELECT count(*) AS "all", ${sums.join(', ')} FROM clients ${where}`,
  ).get(...each.flatMap((one) => one.values), ...values);
  return { ...(counts as ClientCounts) };
}
