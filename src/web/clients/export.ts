/**
 * Clients as a file (RFC 4180: CRLF, every cell in quotes), in UTF-8 with a mark of it for spreadsheets.
 * What a spreadsheet would take for a formula gets an apostrophe in front, as its own programs do.
 */
import { Readable } from 'node:stream';
import { setImmediate as otherWork } from 'node:timers/promises';
import type { Client, ClientSettings } from '../../domain/clients/client.ts';
import { clientState } from '../../domain/clients/client-state.ts';
import type { Page } from '../../domain/records.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { localText } from '../forms/local-times.ts';
import { clientListQuery } from './list.ts';
import { CLIENTS_FILE } from './list-filters.ts';

export const clientExportRoutes: ConsoleRoute[] = [
  { method: 'GET', path: CLIENTS_FILE, role: 'viewer', handler: exportList },
];

const PAGE = 100;

/** Every client that the list would show on all its pages, in its order. */
async function exportList(call: ConsoleCall): Promise<void> {
  const { services, formats } = call;
  const { cursor: _, filter, ...query } = clientListQuery(call);
  const read = (cursor?: string) =>
    services.stores.clients.list({
      ...query,
      filter: { ...filter, at: formats.now },
      limit: PAGE,
      ...(cursor !== undefined && { cursor }),
    });
  // The first page is read before anything is answered, so that what goes wrong has a page of its own.
  sendFile(call, pages(await read(), read));
}

async function* pages(first: Page<Client>, read: (cursor: string) => Promise<Page<Client>>) {
  let page = first;
  yield page.items;
  while (page.nextCursor !== null) {
    // A store that answers at once would let nobody else have a turn until the file is whole.
    await otherWork();
    page = await read(page.nextCursor);
    yield page.items;
  }
}

/** Answers with a file of these clients. */
export function sendClients(call: ConsoleCall, clients: readonly Client[]): void {
  sendFile(call, [clients]);
}

type Batches = Iterable<readonly Client[]> | AsyncIterable<readonly Client[]>;

function sendFile({ ctx, formats }: ConsoleCall, batches: Batches): void {
  const [day] = localText(formats.now, formats.timeZone).split('T');
  ctx.attachment(`clients-${day}.csv`);
  ctx.type = 'text/csv; charset=utf-8';
  ctx.body = Readable.from(rows(batches, formats.now));
}

async function* rows(batches: Batches, now: Date) {
  yield `\uFEFF${row(Object.keys(COLUMNS))}`;
  for await (const clients of batches) {
    const told = clients.map((client) =>
      row(Object.values(COLUMNS).map((cell) => inText(cell(client, now)))),
    );
    yield told.join('');
  }
}

type Value = string | number | Date | null | readonly string[];

/** Stands between the values of a list. */
const BETWEEN = ' | ';

function inText(value: Value): string {
  if (value === null) return '';
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? value.join(BETWEEN) : String(value);
}

function row(cells: readonly string[]): string {
  return `${cells.map(quoted).join(',')}\r\n`;
}

/** Signs that begin a formula, also as wide characters; tabs and line ends that hide them. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

function quoted(cell: string): string {
  return `"${(FORMULA.test(cell) ? `'${cell}` : cell).replaceAll('"', '""')}"`;
}

type Cells = Record<string, (client: Client, now: Date) => Value>;

/** Settings that are one value or a list of names; a new one is put here, or in `COLUMNS` by its parts. */
const PLAIN = {
  clientName: true,
  displayName: true,
  applicationNo: true,
  description: true,
  note: true,
  remark: true,
  emails: true,
  status: true,
  audience: true,
  environment: true,
  kind: true,
  startsAt: true,
  expiresAt: true,
  timeZone: true,
  tps: true,
  priority: true,
  securityLevel: true,
  apiGroups: true,
  apiScopes: true,
  servedApiGroups: true,
  grantTypes: true,
  redirectUris: true,
  userAllowlist: true,
  failedLoginLimit: true,
} as const satisfies Record<Exclude<keyof ClientSettings, Parts>, true>;
/** Settings that have parts; `jwks` are keys, which no cell holds. */
type Parts = 'apiQuota' | 'accessToken' | 'refreshToken' | 'ipBindings' | 'serviceHours' | 'jwks';

const COLUMNS: Cells = {
  clientId: ({ clientId }) => clientId,
  ...Object.fromEntries(
    Object.keys(PLAIN).map((field) => [
      field,
      (client: Client) => client[field as keyof typeof PLAIN],
    ]),
  ),
  state: (client, now) => clientState(client, now).status,
  ipBindings: ({ ipBindings }) =>
    ipBindings.map(({ address, hostName }) => (hostName ? `${address} (${hostName})` : address)),
  serviceHours: ({ serviceHours }) =>
    serviceHours?.windows.map(({ days, from, to }) => `${days.join(' ')} ${from}-${to}`) ?? [],
  'serviceHours.timeZone': ({ serviceHours }) => serviceHours?.timeZone ?? null,
  'apiQuota.calls': ({ apiQuota }) => apiQuota.calls,
  'apiQuota.period': ({ apiQuota }) => apiQuota.period,
  'accessToken.lifetimeSeconds': ({ accessToken }) => accessToken.lifetimeSeconds,
  'accessToken.maxUses': ({ accessToken }) => accessToken.maxUses,
  'refreshToken.lifetimeSeconds': ({ refreshToken }) => refreshToken.lifetimeSeconds,
  'refreshToken.maxUses': ({ refreshToken }) => refreshToken.maxUses,
  failedLogins: ({ lock }) => lock.failedLogins,
  lockedAt: ({ lock }) => lock.lockedAt,
  createdAt: ({ createdAt }) => createdAt,
  updatedAt: ({ updatedAt }) => updatedAt,
  version: ({ version }) => version,
};
