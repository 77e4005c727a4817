/**
 * Calls that arrive together go to the server as one command. While as many batches are under way as
 * may be, further calls wait and form the next: batches grow with the load, and an idle server is
 * asked at once. A call never joins a batch that had begun before it, and one that has waited too
 * long fails without being sent: a use is not spent for a caller who has given up.
 */
import { unavailable } from './errors.ts';

/** What became of one call. */
export type Outcome<O> = { value: O } | { error: unknown };

interface Call<I, O> {
  input: I;
  /** When it arrived, in milliseconds of `performance.now`. */
  since: number;
  resolve(value: O): void;
  reject(error: unknown): void;
}

/** Calls in one batch at most. */
const LARGEST = 1000;
/** Longest wait for a batch to begin. */
const LONGEST_WAIT_MS = 3000;

/**
 * A function whose calls are gathered.
 *
 * @param run answers an outcome for each input, in order; when it throws, all calls of the batch do
 * @param atOnce batches that may be under way
 */
export function gathering<I, O>(
  run: (inputs: I[]) => Promise<Outcome<O>[]>,
  atOnce: number,
): (input: I) => Promise<O> {
  const waiting: Call<I, O>[] = [];
  let underWay = 0;
  let scheduled = false;

  function schedule(): void {
    if (scheduled || waiting.length === 0 || underWay >= atOnce) return;
    scheduled = true;
    setImmediate(() => void runNext());
  }

  async function runNext(): Promise<void> {
    const batch = inTime(waiting.splice(0, LARGEST));
    scheduled = false;
    if (batch.length === 0) return schedule();
    underWay += 1;
    schedule();
    try {
      const outcomes = await run(batch.map(({ input }) => input));
      for (const [index, call] of batch.entries()) settle(call, outcomes[index]);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      underWay -= 1;
      schedule();
    }
  }

  return (input) =>
    new Promise((resolve, reject) => {
      waiting.push({ input, since: performance.now(), resolve, reject });
      schedule();
    });
}

/** A function whose calls are gathered by key, one batch of a key at a time. */
export function gatheringByKey<I, O>(
  run: (key: string, inputs: I[]) => Promise<Outcome<O>[]>,
): (key: string, input: I) => Promise<O> {
  const gates = new Map<string, { enter(input: I): Promise<O>; calls: number }>();
  return async (key, input) => {
    const enter = () => gathering<I, O>((inputs) => run(key, inputs), 1);
    const gate = gates.get(key) ?? { enter: enter(), calls: 0 };
    gates.set(key, gate);
    gate.calls += 1;
    try {
      return await gate.enter(input);
    } finally {
      gate.calls -= 1;
      if (gate.calls === 0) gates.delete(key);
    }
  };
}

function inTime<I, O>(calls: Call<I, O>[]): Call<I, O>[] {
  const earliest = performance.now() - LONGEST_WAIT_MS;
  return calls.filter(({ since, reject }) => {
    if (since >= earliest) return true;
    reject(unavailable('too many calls wait'));
    return false;
  });
}

function settle<I, O>({ resolve, reject }: Call<I, O>, outcome: Outcome<O> | undefined): void {
  if (outcome === undefined) reject(new Error('a batch gave no outcome for one of its calls'));
  else if ('error' in outcome) reject(outcome.error);
  else resolve(outcome.value);
}
