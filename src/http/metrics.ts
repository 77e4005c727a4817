/** Prometheus metrics of this process. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Content type of the exposition format. */
export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** The metrics of one server. */
export interface Metrics {
  registry: Registry;
  /** Counts an answered request. `route` is a pattern, never a raw path. */
  countRequest(route: string, method: string, status: number, seconds: number): void;
  /** Counts a refusal by reason code. */
  countRefusal(reason: string): void;
  /** Counts a request that was refused as the node was saturated. */
  countShed(priority: number): void;
  /** Tells, whenever the metrics are read, how many requests wait. */
  watchQueue(length: () => number): void;
  /** Tells, whenever the metrics are read, how many decisions were not recorded. */
  watchDropped(dropped: () => number): void;
}

/** Makes the metrics; `processMetrics` adds those of the process (memory, event loop). */
export function createMetrics(processMetrics: boolean): Metrics {
  const registry = new Registry();
  if (processMetrics) collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'tollgate_http_request_duration_seconds',
    help: 'Duration of answered requests by route, method and status',
    labelNames: ['route', 'method', 'status'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  });
  const refusals = new Counter({
    name: 'tollgate_refusals_total',
    help: 'Refused decisions by reason code',
    labelNames: ['reason'] as const,
    registers: [registry],
  });
  const shed = new Counter({
    name: 'tollgate_shed_requests_total',
    help: 'Requests refused because the node was saturated, by priority of the client',
    labelNames: ['priority'] as const,
    registers: [registry],
  });
  // All ten from the start: a rate needs a value before the first refusal.
  const shedBy = Array.from({ length: 10 }, (_, priority) => shed.labels(String(priority)));
  const series = new Map<string, { observe(seconds: number): void }>();
  return {
    registry,
    countRequest(route, method, status, seconds) {
      const key = `${route} ${method} ${status}`;
      let one = series.get(key);
      if (one === undefined) {
        one = requests.labels({ route, method, status: String(status) });
        series.set(key, one);
      }
      one.observe(seconds);
    },
    countRefusal: (reason) => refusals.inc({ reason }),
    countShed: (priority) => shedBy[priority]?.inc(),
    watchDropped: (dropped) =>
      watch(registry, dropped, {
        name: 'tollgate_unrecorded_decisions',
        help: 'Refusals since the start whose trace was not kept, as they were too many',
      }),
    watchQueue: (length) =>
      watch(registry, length, {
        name: 'tollgate_queued_requests',
        help: 'Requests that wait because the node is saturated',
      }),
  };
}

/** A gauge that is read whenever the metrics are. */
function watch(
  registry: Registry,
  read: () => number,
  { name, help }: { name: string; help: string },
): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}
