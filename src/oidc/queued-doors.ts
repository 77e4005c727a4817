/** How the token endpoint and introspection queue on a saturated node: whose credential it is, and the refusal. */
import { parse } from 'node:querystring';
import { ERRORS } from '../domain/errors.ts';
import { parseBasic } from '../http/basic-credentials.ts';
import type { Priorities } from '../http/priorities.ts';
import type { QueuedDoor } from '../http/queued-requests.ts';
import type { Introspection } from './introspection.ts';
import type { Form } from './parameters.ts';
import { ROUTES } from './provider.ts';

const REFUSAL = {
  status: ERRORS.overloaded.status,
  headers: { 'Content-Type': 'application/json; charset=utf-8' },
  body: JSON.stringify({
    error: 'temporarily_unavailable',
    error_description: `${ERRORS.overloaded.title}: requests of a higher priority go first`,
  }),
};

const DOORS: ReadonlyMap<string, QueuedDoor> = new Map(
  [
    {
      route: ROUTES.token,
      readsBody: true,
      credentialsOf: ({ headers }, body) =>
        textOrNone(clientCredential(headers.authorization, () => parse(body))),
      refusal: REFUSAL,
    } satisfies QueuedDoor,
    {
      route: ROUTES.introspection,
      readsBody: true,
      credentialsOf: (_request, body) => textOrNone(parse(body)['token']),
      refusal: REFUSAL,
    } satisfies QueuedDoor,
  ].map((door) => [door.route, door]),
);

/** The queued door at a path, if it is the token endpoint or introspection. */
export function queuedOAuthDoor(path: string): QueuedDoor | undefined {
  return DOORS.get(path);
}

/**
 * What a client authenticates with, as one text; undefined where it is malformed. An assertion is new
 * each time, and so of a priority that nobody knows.
 *
 * @param readForm called where there is no Authorization header
 */
export function clientCredential(
  header: string | undefined,
  readForm: () => Form,
): string | undefined {
  if (header !== undefined) return parseBasic(header) === null ? undefined : header;
  const form = readForm();
  const { client_id, client_secret, client_assertion } = form;
  if (typeof client_id === 'string' && typeof client_secret === 'string')
    return JSON.stringify([client_id, client_secret]);
  return typeof client_assertion === 'string' ? client_assertion : undefined;
}

/** Learns whose credential an introspection was about, where it is active. */
export function learnIntrospected(
  priorities: Pick<Priorities, 'learn'>,
  form: Form,
  { active, client_id, priority }: Introspection,
): void {
  const token = form['token'];
  if (!active || typeof token !== 'string' || typeof client_id !== 'string') return;
  priorities.learn(token, { clientId: client_id, priority: Number(priority) });
}

function textOrNone(presented: unknown): string[] {
  return typeof presented === 'string' ? [presented] : [];
}
