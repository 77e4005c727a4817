/**
 * The security tabs of a client: level, groups, scopes, tokens, keys, status, secrets. Here stands what
 * they share: which version a form was made from, and what its reader is told when that one is gone.
 */
import type { AuditEvent } from '../../domain/audit/audit-event.ts';
import type { Client } from '../../domain/clients/client.ts';
import type { Removed } from '../../domain/clients/client-references.ts';
import type { FieldProblem } from '../../domain/errors.ts';
import { requireVersion } from '../../domain/manage-records.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { versionOf } from '../admin/submit.ts';
import { actorName } from '../audit/actor-name.ts';
import { clientOf } from '../clients/client-page.ts';
import { sentence } from '../forms/form-problems.ts';
import type { MessageValues } from '../messages.ts';

/** A field of a stale form: what is stored now, and what was entered. */
export interface StaleRow {
  field: string;
  before: string;
  after: string;
}

/** What the notice above a stale form tells. */
export interface Stale {
  /** Who changed it and when; empty where nobody knows. */
  text: string;
  rows: StaleRow[];
}

/** HTTP status of a form that was made from a version that is gone. */
export const STALE_STATUS = 412;

/**
 * The client of the path, in the version of the form: refuses an overtaken form before what costs. An
 * act names that version again, since another may come between this read and its write.
 *
 * @throws DomainError `version_conflict`, `not_found`
 */
export async function clientAsRead(call: ConsoleCall): Promise<Client> {
  const client = await clientOf(call);
  requireVersion(client, versionOf(call.form));
  return client;
}

/** What is told of a change of the client that came in between; rows that say the same twice are left out. */
export function staleClient(call: ConsoleCall, rows: StaleRow[] = []): Promise<Stale> {
  return staleRecord(call, { kind: 'client', id: call.params['clientId'] ?? '' }, rows);
}

/** The same of any record that audit events name. */
export async function staleRecord(
  call: ConsoleCall,
  { kind, id }: AuditEvent['object'],
  rows: StaleRow[] = [],
): Promise<Stale> {
  const { services, formats, t } = call;
  const filter = { objectKind: kind, objectId: id };
  const [last] = (await services.stores.audit.list({ filter, limit: 1 })).items;
  const differing = rows.filter(({ before, after }) => before !== after);
  if (last === undefined) return { text: '', rows: differing };
  const when = formats.instant(last.at).relative;
  const values = { who: await actorName(call, last.actor), when };
  return { text: t('security.stale.by', values), rows: differing };
}

/** What is wrong with a form: by field, and as the summary tells it. */
export interface FormProblems {
  errors: Record<string, string>;
  summary: { field: string; message: string }[];
}

/** No problem. */
const NO_PROBLEMS: FormProblems = { errors: {}, summary: [] };

/**
 * Problems in words. What concerns no field of the form stands in the summary alone.
 *
 * @param labels label of each field of the form, by its name
 */
function problemsOf(
  problems: readonly FieldProblem[],
  labels: Readonly<Record<string, string>>,
): FormProblems {
  const errors: Record<string, string> = {};
  const summary = problems.map(({ field, message }) => {
    const [name = ''] = field.split('.', 1);
    const label = labels[name];
    if (label === undefined) return { field: '', message: sentence(message) };
    errors[name] ??= sentence(message);
    return {
      field: name,
      message: `${label}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`,
    };
  });
  return { errors, summary };
}

/** What became of a form that was sent, where its page is shown again. */
export interface SentForm {
  problems?: FieldProblem[];
  stale?: Stale;
}

/** Status of a page with a form, and what it tells of the form that was sent; 200 where none was. */
export function outcomeOf(
  { problems, stale }: SentForm,
  labels: Readonly<Record<string, string>> = {},
): { status: number; problems: FormProblems; stale: Stale | null } {
  return {
    status: problems !== undefined ? 422 : stale !== undefined ? STALE_STATUS : 200,
    problems: problems === undefined ? NO_PROBLEMS : problemsOf(problems, labels),
    stale: stale ?? null,
  };
}

/** How many names a sentence tells; the rest is counted. */
const NAMED_MOST = 3;

/** Names in a sentence, such as `a, b, c and 4 more`. */
export function named({ t }: ConsoleCall, names: readonly string[]): string {
  const told = names.slice(0, NAMED_MOST).join(', ');
  const more = names.length - NAMED_MOST;
  return more > 0 ? t('security.names_and_more', { names: told, more }) : told;
}

/** What is told after a change of the client, with what it took away besides. */
export function changedText(
  call: ConsoleCall,
  key: string,
  { values = {}, removed }: { values?: MessageValues; removed: Removed },
): string {
  const gone = [...removed.apiGroups, ...removed.apiScopes];
  const text = call.t(key, values);
  if (gone.length === 0) return text;
  return `${text} ${call.t('security.also_removed', { names: named(call, gone) })}`;
}
