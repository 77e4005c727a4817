/** The contract of Stores as a whole: it answers, and once closed it says so. */
import { describe, expect, it } from '@jest/globals';
import {
  accessTokenFixture,
  billFixture,
  NOW,
  quotaFixture,
  retryFixture,
  spendUse,
} from '../support/contract-fixtures.ts';
import type { Open } from './contract.ts';

const UNAVAILABLE = { code: 'store_unavailable' };

/** Describes the contract. */
export function describeStores(open: Open): void {
  describe('the stores', () => {
    it('answer a ping; a new database is empty', async () => {
      const stores = await open();
      await stores.ping();
      const { clients, users, apis, apiGroups, apiScopes, securityLevels, admins } = stores;
      for (const store of [clients, users, apis, apiGroups, apiScopes, securityLevels, admins]) {
        const page = await (store as typeof apis).list({ limit: 1 });
        expect(page).toEqual({ items: [], nextCursor: null, previousCursor: null, total: 0 });
      }
      expect(await stores.changes.since(0)).toBeNull();
      await stores.close();
    });

    it('finish what was asked before they close, then throw store_unavailable', async () => {
      const stores = await open();
      const token = accessTokenFixture();
      await stores.tokens.issue(token, null);
      const spending = Array.from({ length: 50 }, () => spendUse(stores, token.tokenId, NOW));
      await stores.close();
      expect((await Promise.all(spending)).filter((uses) => uses !== null)).toHaveLength(50);
      await stores.close();
      await expect(stores.ping()).rejects.toMatchObject(UNAVAILABLE);
      await expect(spendUse(stores, token.tokenId, NOW)).rejects.toMatchObject(UNAVAILABLE);
      await expect(stores.charges.findRetry('x', NOW)).rejects.toMatchObject(UNAVAILABLE);
      await expect(stores.charges.quotaUsed('x', 'total')).rejects.toMatchObject(UNAVAILABLE);
      const bill = billFixture({ quota: quotaFixture(), retry: retryFixture() });
      await expect(stores.charges.book(bill, NOW)).rejects.toMatchObject(UNAVAILABLE);
      await expect(stores.tokens.findAccess(token.tokenId)).rejects.toMatchObject(UNAVAILABLE);
      await expect(stores.clients.find('x')).rejects.toMatchObject(UNAVAILABLE);
      await expect(stores.changes.since(0)).rejects.toMatchObject(UNAVAILABLE);
    });
  });
}
