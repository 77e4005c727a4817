/** Usage counts: one row for a client, an hour, an API and an outcome. */
import type { UsageCount, UsageStore } from '../../src/domain/usage/usage-store.ts';
import type { Connection } from './connection.ts';
import { reading } from './errors.ts';

interface UsageRow {
  client_id: string;
  hour: number;
  api_id: string;
  outcome: UsageCount['outcome'];
  calls: number;
}

/** Stands for no API; as the empty text it also sorts first. */
const NO_API = '';

/** The usage counts of a connection. */
export function usageStore({ prepare, transact }: Connection): UsageStore {
  const add = prepare(
    `INSERT INTO usage_counts (client_id, hour, api_id, outcome, calls) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (client_id, hour, api_id, outcome) DO UPDATE SET calls = calls + excluded.calls`,
  );
  const select = (client: string) =>
    prepare<UsageRow>(
      `SELECT client_id, hour, api_id, outcome, calls FROM usage_counts
       WHERE ${client} hour >= ? AND hour < ? ORDER BY hour, client_id, api_id, outcome LIMIT ?`,
    );
  const [ofAll, ofClient] = [select(''), select('client_id = ? AND')];
  return {
    async add(counts) {
      if (counts.length === 0) return;
      await transact(() => {
        for (const { clientId, apiId, hour, outcome, calls } of counts) {
          add.run(clientId, hour.getTime(), apiId ?? NO_API, outcome, calls);
        }
      }, 'process_end');
    },
    list: ({ clientId, from, to, limit }) =>
      reading(() => {
        const range = [from.getTime(), to.getTime(), limit];
        const rows =
          clientId === undefined ? ofAll.all(...range) : ofClient.all(clientId, ...range);
        return rows.map(countOf);
      }),
  };
}

function countOf({ client_id, hour, api_id, outcome, calls }: UsageRow): UsageCount {
  const apiId = api_id === NO_API ? null : api_id;
  return { clientId: client_id, apiId, hour: new Date(hour), outcome, calls };
}
