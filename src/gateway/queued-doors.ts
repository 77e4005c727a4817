/** How `/decide` and forward-auth queue on a saturated node: whose credential it is, and the refusal. */
import { ERRORS } from '../domain/errors.ts';
import type { QueuedDoor } from '../http/queued-requests.ts';
import type { Dialect } from './dialects/dialect.ts';
import { DIALECTS, dialectAt, presentedBy } from './forward-auth.ts';

const { status, title } = ERRORS.overloaded;
const DETAIL = 'requests of a higher priority go first';

const DECIDE: QueuedDoor = {
  route: '/decide',
  readsBody: true,
  credentialsOf: (_request, body) => credentialsIn(body),
  refusal: {
    status,
    headers: { 'Content-Type': 'application/problem+json' },
    body: JSON.stringify({
      ...{ type: '/docs/errors#overloaded', title, status, code: 'overloaded', detail: DETAIL },
      ...{ errors: [], allowed: false, reason: 'overloaded' },
    }),
  },
};

const FORWARD_AUTH: ReadonlyMap<Dialect, QueuedDoor> = new Map(
  [...DIALECTS.values()].map((dialect) => [dialect, forwardAuthDoor(dialect)]),
);

/** The queued door at a path, if a gateway's is there. */
export function queuedGatewayDoor(path: string): QueuedDoor | undefined {
  if (path === '/decide') return DECIDE;
  const dialect = dialectAt(path);
  return dialect === null ? undefined : FORWARD_AUTH.get(dialect);
}

/** Questions of a list whose credentials are looked at. */
const LOOKED_AT = 10;

function credentialsIn(body: string): string[] {
  try {
    const asked: unknown = JSON.parse(body);
    // Of a long list the first tell enough, and cost little.
    return (Array.isArray(asked) ? asked.slice(0, LOOKED_AT) : [asked]).flatMap(
      ({ token, apiKey }) => credentialOrNone(token ?? apiKey),
    );
  } catch {
    return [];
  }
}

function credentialOrNone(presented: unknown): string[] {
  return typeof presented === 'string' ? [presented] : [];
}

function forwardAuthDoor(dialect: Dialect): QueuedDoor {
  return {
    route: `/forward-auth/${dialect.name}`,
    readsBody: false,
    credentialsOf(request) {
      const { token, apiKey } = presentedBy(request);
      return credentialOrNone(token ?? apiKey);
    },
    refusal: {
      status: dialect.statusFor(status),
      headers: {
        ...{ 'Content-Type': 'application/json; charset=utf-8' },
        ...{ 'X-Decision-Status': String(status), 'X-Reason': 'overloaded' },
      },
      body: JSON.stringify({
        ...{ reason: 'overloaded', status, decisionId: null },
        message: `${title}: ${DETAIL}`,
      }),
    },
  };
}
