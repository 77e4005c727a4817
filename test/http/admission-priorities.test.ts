import { describe, expect, it } from '@jest/globals';
import type { Client } from '../../src/domain/clients/client.ts';
import { Priorities } from '../../src/http/priorities.ts';

/** A directory whose clients a test changes, and how often it was asked. */
function scene(now: Record<string, number> = {}) {
  let nowMs = 0;
  let asked = 0;
  const directory = {
    async client(clientId: unknown) {
      asked += 1;
      const priority = now[String(clientId)];
      return priority === undefined ? null : ({ clientId, priority } as Client);
    },
  };
  return {
    priorities: new Priorities(directory, () => nowMs),
    advance(ms: number) {
      nowMs += ms;
    },
    asked: () => asked,
  };
}

const told = () => new Promise((resolve) => setImmediate(resolve));

describe('the priority of a credential', () => {
  it('is that of the client that it was found to belong to', () => {
    const { priorities } = scene();
    priorities.learn('tga_orders', { clientId: 'orders', priority: 0 });
    priorities.learn('tgk_batch', { clientId: 'batch', priority: 8 });
    expect(priorities.best(['tga_orders'])).toBe(0);
    expect(priorities.best(['tgk_batch'])).toBe(8);
  });

  it('is 5 where it was never seen, and 9 where there is none', () => {
    const { priorities } = scene();
    expect(priorities.best(['tga_unknown'])).toBe(5);
    expect(priorities.best([])).toBe(9);
  });

  it('is not learned without a credential or a client', () => {
    const { priorities } = scene();
    priorities.learn(undefined, { clientId: 'orders', priority: 0 });
    priorities.learn(null, { clientId: 'orders', priority: 0 });
    priorities.learn('tga_deleted', null);
    expect(priorities.best(['tga_deleted'])).toBe(5);
    expect(priorities.best(['undefined', 'null', ''])).toBe(5);
  });

  it('of a batch is the best of its members', () => {
    const { priorities } = scene();
    priorities.learn('a', { clientId: 'low', priority: 9 });
    priorities.learn('b', { clientId: 'high', priority: 2 });
    expect(priorities.best(['a', 'b', 'unknown'])).toBe(2);
    expect(priorities.best(['a', 'unknown'])).toBe(5);
  });

  it('changes for all credentials of a client when one of them shows it', () => {
    const { priorities } = scene();
    priorities.learn('a', { clientId: 'orders', priority: 9 });
    priorities.learn('b', { clientId: 'orders', priority: 1 });
    expect(priorities.best(['a'])).toBe(1);
  });

  it('follows the directory while all requests of the client are refused', async () => {
    const now: Record<string, number> = { orders: 9 };
    const { priorities, advance, asked } = scene(now);
    priorities.learn('a', { clientId: 'orders', priority: 9 });
    now['orders'] = 0;
    for (let n = 0; n < 10; n += 1) expect(priorities.best(['a'])).toBe(9);
    expect(asked()).toBe(0);
    advance(250);
    for (let n = 0; n < 10; n += 1) priorities.best(['a']);
    await told();
    expect(priorities.best(['a'])).toBe(0);
    expect(asked()).toBe(1);
  });

  it('of a deleted client is the lowest', async () => {
    const { priorities, advance } = scene();
    priorities.learn('a', { clientId: 'gone', priority: 0 });
    advance(250);
    priorities.best(['a']);
    await told();
    expect(priorities.best(['a'])).toBe(9);
  });

  it('stays as it was while the store does not answer', async () => {
    let nowMs = 0;
    const directory = { client: () => Promise.reject(new Error('no store')) };
    const priorities = new Priorities(directory, () => nowMs);
    priorities.learn('a', { clientId: 'orders', priority: 3 });
    nowMs = 1000;
    priorities.best(['a']);
    await told();
    expect(priorities.best(['a'])).toBe(3);
  });
});
