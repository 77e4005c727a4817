/** The contract of ClientStore on which clients a list holds. */
import { describe, expect, it } from '@jest/globals';
import type { Client } from '../../src/domain/clients/client.ts';
import type { ClientFilter, ClientStatusFilter } from '../../src/domain/clients/client-store.ts';
import type { Stores } from '../../src/domain/stores.ts';
import {
  clientFixture,
  eventOf,
  fromNow,
  NOW,
  openClientFixture,
} from '../support/contract-fixtures.ts';
import { type Open, useStores } from './contract.ts';
import { nextVersion } from './record-store.contract.ts';

const LOCKED = {
  failedLogins: 3,
  lockedAt: fromNow(-10),
  failures: [{ at: fromNow(-10), address: null }],
};

async function inserted(stores: Stores, client: Client): Promise<Client> {
  await stores.clients.insert(client, eventOf('client.create', client.clientId));
  return client;
}

/** One client for each status; a client has the first that applies, in the order of the decision. */
const OF_STATUS: Record<ClientStatusFilter, Partial<Client>[]> = {
  disabled: [{ status: 'disabled' }, { status: 'disabled', lock: LOCKED, expiresAt: fromNow(-1) }],
  locked: [{ lock: LOCKED }, { lock: LOCKED, startsAt: fromNow(1) }],
  not_started: [{ startsAt: fromNow(1) }, { startsAt: fromNow(1), expiresAt: fromNow(2) }],
  expired: [{ expiresAt: NOW }, { startsAt: fromNow(-9), expiresAt: fromNow(-1) }],
  enabled: [{}, { startsAt: NOW, expiresAt: fromNow(1) }, { startsAt: fromNow(-1) }],
};

/** Describes the contract. */
export function describeClientFilters(open: Open): void {
  describe('filters of clients', () => {
    const stores = useStores(open);
    const ids = async (filter: Omit<ClientFilter, 'at'>, search?: string) => {
      const words = search === undefined ? {} : { search };
      const query = { filter: { at: NOW, ...filter }, limit: 100, ...words };
      const page = await stores().clients.list(query);
      expect(page.total).toBe(page.items.length);
      return page.items.map(({ clientId }) => clientId).sort();
    };

    it('judges the status at an instant', async () => {
      const expected = new Map<ClientStatusFilter, string[]>();
      for (const [status, variants] of Object.entries(OF_STATUS)) {
        const made = variants.map((changes) => inserted(stores(), openClientFixture(changes)));
        const clients = await Promise.all(made);
        expected.set(status as ClientStatusFilter, clients.map(({ clientId }) => clientId).sort());
      }
      for (const [status, wanted] of expected) expect(await ids({ status })).toEqual(wanted);
      expect(await ids({})).toHaveLength([...expected.values()].flat().length);
    });

    it('combines members and words with AND', async () => {
      const clients = [
        { audience: 'internal', apiGroups: ['a', 'b'], securityLevel: 'F1', kind: 'partner' },
        { audience: 'external', apiGroups: ['b'], securityLevel: 'F1', kind: 'partner' },
        { audience: 'external', apiGroups: ['ab'], securityLevel: 'F2', kind: 'resource_server' },
      ] as const;
      const [one, two, three] = await Promise.all(
        clients.map(async ({ apiGroups, ...rest }) => {
          const fields = { ...rest, apiGroups: [...apiGroups], servedApiGroups: ['a'] };
          return (await inserted(stores(), clientFixture({ ...fields, note: 'filtered' })))
            .clientId;
        }),
      );
      expect(await ids({ apiGroup: 'b' })).toEqual([one, two].sort());
      expect(await ids({ apiGroup: 'a' })).toEqual([one]);
      expect(await ids({ apiGroup: 'b', audience: 'external' })).toEqual([two]);
      expect(await ids({ securityLevel: 'F1' }, 'filtered')).toEqual([one, two].sort());
      expect(await ids({ kind: 'resource_server', securityLevel: 'F2' })).toEqual([three]);
      expect(await ids({ environment: 'testing' }, `filtered ${two}`)).toEqual([two]);
      expect(await ids({ environment: 'production' }, 'filtered')).toEqual([]);
    });

    it('pages by a date that some clients lack', async () => {
      const [sort, seen] = [{ field: 'expiresAt', descending: false }, new Set<string>()];
      const filter = { at: NOW };
      const { total } = await stores().clients.list({ filter, limit: 1 });
      for (let cursor: string | null = '', first = true; cursor !== null; first = false) {
        const query = { filter, sort, limit: 2, ...(first ? {} : { cursor }) };
        const page = await stores().clients.list(query);
        for (const { clientId } of page.items) {
          expect(seen).not.toContain(clientId);
          seen.add(clientId);
        }
        cursor = page.nextCursor;
      }
      expect(seen.size).toBe(total);
    });

    it('follows an update', async () => {
      const client = await inserted(stores(), clientFixture({ securityLevel: 'F3' }));
      const moved = nextVersion({ ...client, securityLevel: 'F4', apiGroups: ['moved'] });
      await stores().clients.update(moved, eventOf('client.update', client.clientId));
      expect(await ids({ securityLevel: 'F3' })).toEqual([]);
      expect(await ids({ securityLevel: 'F4', apiGroup: 'moved' }, 'moved')).toEqual([
        client.clientId,
      ]);
    });
  });
}
