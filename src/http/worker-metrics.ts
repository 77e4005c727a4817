/** Metrics of a node with several workers: the one that is asked collects those of the others. */
import { BroadcastChannel } from 'node:worker_threads';
import {
  AggregatorRegistry,
  type MetricObjectWithValues,
  type MetricValue,
  type Registry,
} from 'prom-client';

type Snapshot = MetricObjectWithValues<MetricValue<string>>[];
type Message = { asks: string } | { answers: string; metrics: Snapshot };

/** How long the others may take; what comes later is missing from that scrape. */
const ANSWER_MS = 1_000;

/** Reads the metrics of the whole node. */
export interface NodeMetrics {
  read(): Promise<string>;
}

/**
 * @param registry this worker's metrics
 * @param workers how many workers make the node; with 1 nothing is shared
 */
export function nodeMetrics(registry: Registry, workers: number): NodeMetrics {
  if (workers === 1) return { read: () => registry.metrics() };
  const channel = new BroadcastChannel('tollgate-metrics');
  const waiting = new Map<string, (metrics: Snapshot) => void>();
  channel.onmessage = (event) => {
    const message = (event as { data: Message }).data;
    if ('answers' in message) waiting.get(message.answers)?.(message.metrics);
    else
      void registry
        .getMetricsAsJSON()
        .then((metrics) => channel.postMessage({ answers: message.asks, metrics }));
  };
  channel.unref();

  async function collect(): Promise<Snapshot[]> {
    const id = crypto.randomUUID();
    const collected: Snapshot[] = [(await registry.getMetricsAsJSON()) as Snapshot];
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ANSWER_MS);
      waiting.set(id, (metrics) => {
        collected.push(metrics);
        if (collected.length < workers) return;
        clearTimeout(timer);
        resolve();
      });
      channel.postMessage({ asks: id });
    });
    waiting.delete(id);
    return collected;
  }

  return { read: async () => AggregatorRegistry.aggregate(await collect()).metrics() };
}
