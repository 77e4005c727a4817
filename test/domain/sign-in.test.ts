import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createUser } from '../../src/domain/users/manage-users.ts';
import { signIn } from '../../src/domain/users/sign-in.ts';
import { ACTOR, openWorld, type World } from './support.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
  await createUser(world.services, ACTOR, { userName: 'Ada', password: 'correct horse' });
});
afterEach(() => world.close());

const attempt = (userName: string, password: string) =>
  signIn(world.services, userName, password, null);

async function lock(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await attempt('ada', `wrong ${i}`);
  await world.services.directory.sync();
}

/** Comparisons of bcrypt that work costs. */
async function cost(work: () => Promise<unknown>): Promise<number> {
  const before = world.bcrypt.compares;
  await work();
  return world.bcrypt.compares - before;
}

describe('signIn', () => {
  it('knows the user by name and password', async () => {
    expect((await attempt('ADA', 'correct horse'))?.userName).toBe('Ada');
    expect(await attempt('ada', 'wrong horse')).toBeNull();
    expect(await attempt('nobody', 'correct horse')).toBeNull();
  });

  it('spends as much on an unknown name, and on a locked user, as on a wrong password', async () => {
    expect(await cost(() => attempt('ada', 'wrong horse'))).toBe(1);
    expect(await cost(() => attempt('nobody', 'wrong horse'))).toBe(1);
    expect(await cost(() => attempt('x'.repeat(1000), 'wrong horse'))).toBe(1);
    await lock();
    expect(await cost(() => attempt('ada', 'wrong horse'))).toBe(1);
    expect(await cost(() => attempt('ada', 'correct horse'))).toBe(1);
    expect(await attempt('ada', 'correct horse')).toBeNull();
  });

  it.each(['ada', 'nobody', 'locked'])('answers 9 guesses at once alike for %s', async (name) => {
    if (name === 'locked') await lock();
    const userName = name === 'locked' ? 'ada' : name;
    const answers = await Promise.allSettled(
      Array.from({ length: 9 }, (_, i) => attempt(userName, `guess ${i}`)),
    );
    const refused = answers.filter((answer) => answer.status === 'rejected');
    expect(refused.map(({ reason }) => reason.code)).toEqual(['too_many_attempts']);
  });

  it('compares 8 times for 8 guesses at once, though the fifth locks the user', async () => {
    const guesses = (userName: string) => () =>
      Promise.all(Array.from({ length: 8 }, (_, i) => attempt(userName, `guess ${i}`)));
    expect(await cost(guesses('nobody'))).toBe(8);
    expect(await cost(guesses('ada'))).toBe(8);
  });
});
