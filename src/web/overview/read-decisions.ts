/**
 * Decisions of the last hours: refusals as they are recorded, so that each number is that of the list
 * behind it, and allowed calls as they are counted. The questions are few and each reads a bounded
 * number of rows, however many calls there were.
 */
import { plusSeconds } from '../../domain/clock.ts';
import type { DecisionFilter } from '../../domain/decision/decision-store.ts';
import { REASONS, type ReasonCode } from '../../domain/decision/reasons.ts';
import type { UsageCount } from '../../domain/usage/usage-store.ts';
import type { ConsoleCall } from '../admin/route.ts';

const [HOUR_SECONDS, HOUR_MS] = [3600, 3_600_000];
/** Counts that are read: one for a client, an API, an hour and an outcome. */
const COUNTS_MOST = 5000;
/** Refusals that are looked at for whom they refused, beside the counts. */
const LATEST = 100;
/** Clients that may be those refused most, and how many of them are told. */
const [CANDIDATES, TOLD] = [10, 5];

/** How often something was refused; at most `MOST_COUNTED`. */
export interface Counted {
  /** A reason code, or the id of a client. */
  id: string;
  count: number;
}

/** What was decided. */
export interface DecisionNumbers {
  refused: number;
  /** By reason, the most frequent first. */
  reasons: Counted[];
  /** Clients that were refused most. */
  callers: Counted[];
  calls: {
    allowed: number;
    /** Start of the first hour that is counted. */
    since: Date;
    /** False where there were more counts than are read. */
    isWhole: boolean;
  };
}

/** Reads it, by at most 48 calls of the store that each take an index. */
export async function readDecisions(
  { services, formats }: Pick<ConsoleCall, 'services' | 'formats'>,
  hours: number,
): Promise<DecisionNumbers> {
  const { decisions } = services.stores;
  const from = plusSeconds(formats.now, -hours * HOUR_SECONDS);
  // No refusal of the last hours has expired; to look would cost a document for each that is counted.
  const countOf = async (filter: DecisionFilter) =>
    (await decisions.list({ filter: { ...filter, from }, limit: 1 })).total;
  const rank = async <T extends string>(ids: readonly T[], filterOf: (id: T) => DecisionFilter) => {
    const counts = await Promise.all(
      ids.map(async (id) => ({ id, count: await countOf(filterOf(id)) })),
    );
    return counts.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
  };
  const [latest, { counts, ...calls }] = await Promise.all([
    decisions.list({ filter: { from }, limit: LATEST }),
    readCounts({ services, formats }, hours),
  ]);
  const refusals = latest.items.flatMap(({ clientId }) => clientId ?? []);
  const candidates = new Set([
    ...mostFrequent(refusedCalls(counts)),
    ...mostFrequent(refusals.map((id) => ({ id, count: 1 }))),
  ]);
  const [reasons, callers] =
    latest.total === 0
      ? [[], []]
      : await Promise.all([
          rank(Object.keys(REASONS) as ReasonCode[], (reason) => ({ reason })),
          rank([...candidates], (clientId) => ({ clientId })),
        ]);
  return { refused: latest.total, reasons, callers: callers.slice(0, TOLD), calls };
}

function refusedCalls(counts: readonly UsageCount[]): Counted[] {
  return counts
    .filter(({ outcome }) => outcome !== 'allowed')
    .map(({ clientId, calls }) => ({ id: clientId, count: calls }));
}

function mostFrequent(counted: readonly Counted[]): string[] {
  const sums = new Map<string, number>();
  for (const { id, count } of counted) sums.set(id, (sums.get(id) ?? 0) + count);
  const ranked = [...sums].sort(([, a], [, b]) => b - a);
  return ranked.slice(0, CANDIDATES).map(([id]) => id);
}

/** Counts of the hours that have begun since then; of this hour alone where those are too many. */
async function readCounts(
  { services, formats }: Pick<ConsoleCall, 'services' | 'formats'>,
  hours: number,
): Promise<DecisionNumbers['calls'] & { counts: UsageCount[] }> {
  const now = formats.now.getTime();
  const thisHour = new Date(now - (now % HOUR_MS));
  const to = new Date(now + 1);
  const read = (from: Date) => services.stores.usage.list({ from, to, limit: COUNTS_MOST + 1 });
  let since = plusSeconds(thisHour, -(hours - 1) * HOUR_SECONDS);
  let counts = await read(since);
  if (counts.length > COUNTS_MOST && hours > 1) {
    since = thisHour;
    counts = await read(since);
  }
  const allowed = counts.filter(({ outcome }) => outcome === 'allowed');
  return {
    allowed: allowed.reduce((sum, { calls }) => sum + calls, 0),
    since,
    isWhole: counts.length <= COUNTS_MOST,
    counts,
  };
}
