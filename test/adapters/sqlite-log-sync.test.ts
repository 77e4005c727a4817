/** The log of SQLite and the disk: who is told what, while syncs overlap and when one fails. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LogSync } from '../../adapters/sqlite/log-sync.ts';

describe('syncs of the log', () => {
  let folder: string;
  let log: LogSync;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tollgate-log-'));
    log = new LogSync(join(folder, 'a.db'));
  });
  afterEach(async () => {
    log.close();
    await rm(folder, { recursive: true });
  });

  const synced = () =>
    new Promise<void>((resolve, reject) => {
      log.afterSync(resolve, reject);
    });
  const createLog = () => writeFile(join(folder, 'a.db-wal'), 'frames');

  it('answer everybody who waits, however many syncs are under way', async () => {
    await createLog();
    const answers: number[] = [];
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => synced().then(() => void answers.push(i))),
    );
    expect(answers.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('tell of a log that cannot be opened, and go on with the next one', async () => {
    const early = await Promise.allSettled([synced(), synced(), synced()]);
    const reason = expect.objectContaining({ code: 'ENOENT' });
    expect(early).toEqual(early.map(() => ({ status: 'rejected', reason })));
    await createLog();
    await expect(synced()).resolves.toBeUndefined();
  });

  it('that are under way when the log is closed end all the same', async () => {
    await createLog();
    const waiting = [synced(), synced(), synced()];
    log.close();
    await expect(Promise.all(waiting)).resolves.toHaveLength(3);
  });

  it('are done at once where nothing can survive', async () => {
    let isDone = false;
    new LogSync(null).afterSync(
      () => {
        isDone = true;
      },
      () => undefined,
    );
    expect(isDone).toBe(true);
  });
});
