import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { printed, run } from '../support/server.ts';

const CHILD = join(import.meta.dirname, 'log-child.ts');

function start(how: string) {
  return run(CHILD, { env: { PATH: process.env['PATH'] ?? '' }, args: [how] });
}

describe('the log', () => {
  it.each(['worker', 'flushed-worker'])('holds the last line of a %s thread', async (how) => {
    const running = start(how);
    expect(await running.ended).toBe(0);
    expect(JSON.parse(running.output())).toMatchObject({ level: 30, msg: 'the last words' });
  });

  it('shows a line after a second at most, though nothing else is said', async () => {
    const running = start('main');
    expect(await printed(running, /"msg":"(.*)"/)).toBe('the last words');
    await running.kill('SIGKILL');
  });
});
