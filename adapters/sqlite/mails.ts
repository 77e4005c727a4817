/** What became of mails: one row a mail, replaced at each state. */
import type { MailFilter, MailRecord, MailStore } from '../../src/domain/mails/mail.ts';
import type { Audit } from './audit.ts';
import { fromMs, searchText, toMs } from './codec.ts';
import type { Connection, SqlValue } from './connection.ts';
import { reading } from './errors.ts';
import { equalities, orderOf, type PageRequest, readPage, searchConditions } from './page.ts';

interface MailRow {
  mail_id: string;
  at: number;
  recipients: string;
  pending: string;
  subject: string;
  template: MailRecord['template'];
  object_kind: string | null;
  object_id: string | null;
  state: MailRecord['state'];
  attempts: number;
  next_attempt_at: number | null;
  error: string | null;
  updated_at: number;
  expires_at: number;
}

const NAMES = [
  'mail_id',
  'at',
  'recipients',
  'pending',
  'subject',
  'template',
  'object_kind',
  'object_id',
  'state',
  'attempts',
  'next_attempt_at',
  'error',
  'updated_at',
  'expires_at',
] as const satisfies (keyof MailRow)[];
const COLUMNS = NAMES.join(', ');
const INSERT_OR_REPLACE = `INSERT OR REPLACE INTO mails (${COLUMNS}, search)
  VALUES (${NAMES.map(() => '?').join(', ')}, ?)`;

/** The mails of a connection. */
export function mailStore(connection: Connection, audit: Audit): MailStore {
  const { prepare, write, transact } = connection;
  const replace = prepare(INSERT_OR_REPLACE);
  const find = prepare<MailRow>(
    `SELECT ${COLUMNS} FROM mails WHERE mail_id = ? AND expires_at > ?`,
  );
  // By the index of states: those on their way are few among the mails of 90 days.
  const forgotten = prepare<MailRow>(
    `SELECT ${COLUMNS} FROM mails INDEXED BY mails_state
     WHERE state IN ('queued', 'retrying') AND coalesce(next_attempt_at, updated_at) < ?
       AND expires_at > ? AND mail_id > ?
     ORDER BY mail_id LIMIT ?`,
  );
  const isAsRead = prepare(
    'SELECT 1 FROM mails WHERE mail_id = ? AND state = ? AND updated_at = ?',
  );
  const findNow = (mailId: string, now: Date): MailRecord | null => {
    const row = find.get(mailId, now.getTime());
    return row === undefined ? null : mailOf(row);
  };
  return {
    record: (mail) => write(() => void replace.run(...valuesOf(mail))),
    find: (mailId, now) => reading(() => findNow(mailId, now)),
    list: (query) =>
      reading(() =>
        readPage(connection, pageRequest(query), (id: string) => findNow(id, query.now)),
      ),
    forgotten: ({ before, now, after, limit }) =>
      reading(() => forgotten.all(before.getTime(), now.getTime(), after, limit).map(mailOf)),
    requeue: (mail, was, event) =>
      transact(() => {
        const asRead = isAsRead.get(mail.mailId, was.state, was.updatedAt.getTime());
        if (asRead === undefined) return false;
        replace.run(...valuesOf(mail));
        audit.enter(event);
        return true;
      }),
  };
}

function pageRequest(query: Parameters<MailStore['list']>[0]): PageRequest {
  const { sort = { field: 'at', descending: true }, limit, cursor, now } = query;
  return {
    from: 'mails',
    where: [
      { sql: 'expires_at > ?', values: [now.getTime()] },
      ...equalities(columnsOf(query.filter ?? {})),
      ...searchConditions('search', query.search),
    ],
    order: orderOf({ at: 'at' }, sort, 'mail_id'),
    limit,
    cursor,
    isIndexed: true,
  };
}

function columnsOf({ state, template, objectKind, objectId }: MailFilter) {
  return { state, template, object_kind: objectKind, object_id: objectId };
}

/** Values of a row, in the order of its columns; what is searched is the last. */
function valuesOf(mail: MailRecord): SqlValue[] {
  return [
    mail.mailId,
    mail.at.getTime(),
    JSON.stringify(mail.to),
    JSON.stringify(mail.pending),
    mail.subject,
    mail.template,
    mail.object?.kind ?? null,
    mail.object?.id ?? null,
    mail.state,
    mail.attempts,
    toMs(mail.nextAttemptAt),
    mail.error,
    mail.updatedAt.getTime(),
    mail.expiresAt.getTime(),
    searchText([...mail.to, mail.subject, mail.object?.id]),
  ];
}

function mailOf(row: MailRow): MailRecord {
  const { object_kind: kind, object_id: id } = row;
  return {
    mailId: row.mail_id,
    at: new Date(row.at),
    to: JSON.parse(row.recipients) as string[],
    pending: JSON.parse(row.pending) as string[],
    subject: row.subject,
    template: row.template,
    object: kind === null || id === null ? null : { kind, id },
    state: row.state,
    attempts: row.attempts,
    nextAttemptAt: fromMs(row.next_attempt_at),
    error: row.error,
    updatedAt: new Date(row.updated_at),
    expiresAt: new Date(row.expires_at),
  };
}
