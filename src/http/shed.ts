/** What is told of requests that a saturated node refused: each is counted, none has a log line of its own. */
import type { Admission } from './admission.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { RefusedRequest } from './queued-requests.ts';

/** How often the log tells of refusals. */
const TELL_MS = 1_000;

/** What telling works with. */
export interface ShedOptions {
  admission: Pick<Admission, 'queued' | 'atWork'>;
  log: Pick<Log, 'warn'>;
  metrics: Pick<Metrics, 'countRequest' | 'countShed'>;
}

/** Counts each refusal, and logs their number by priority once a second. */
export function tellOfShed({ admission, log, metrics }: ShedOptions) {
  let refused: Record<number, number> | null = null;

  function tell(): void {
    const { queued, atWork } = admission;
    log.warn({ refused, queued, atWork }, 'the node is saturated; requests were refused');
    refused = null;
  }

  return function onRefused({ route, method, status, priority, seconds }: RefusedRequest): void {
    metrics.countRequest(route, method, status, seconds);
    metrics.countShed(priority);
    if (refused === null) {
      refused = {};
      setTimeout(tell, TELL_MS).unref();
    }
    refused[priority] = (refused[priority] ?? 0) + 1;
  };
}
