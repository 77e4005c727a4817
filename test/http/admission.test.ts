/** Admission without HTTP: applicants whose work ends when the test says so, and a clock that it moves. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Admission, type Applicant, type Sender } from '../../src/http/admission.ts';
import type { AdmissionLimits } from '../../src/http/admission-limits.ts';

/** One at a time, so that the order shows. */
const NARROW: AdmissionLimits = {
  atWork: 1,
  queued: 3,
  waitMs: 1_000,
  startsPerTurn: 1,
  startsInCrowd: 1,
  crowd: 2,
  standingMs: 1,
  burstMs: 1_000_000,
  letGoPerTurn: 10,
};

type Fate = 'waits' | 'served' | 'refused';

class Asker implements Applicant {
  readonly priority: number;
  readonly arrivedMs: number;
  readonly #work = Promise.withResolvers<void>();
  readonly #onFate: (asker: Asker, fate: Fate) => void;
  fates: Fate[] = [];
  isAway = false;
  /** How often it was let go after it was refused. */
  releases = 0;
  isDone = false;

  constructor(priority: number, arrivedMs: number, onFate: (asker: Asker, fate: Fate) => void) {
    this.priority = priority;
    this.arrivedMs = arrivedMs;
    this.#onFate = onFate;
  }

  isGone(): boolean {
    return this.isAway;
  }

  serve(): Promise<void> {
    this.#meet('served');
    return this.#work.promise;
  }

  refuse(): Sender {
    this.#meet('refused');
    return {
      letGo: () => {
        this.releases += 1;
      },
    };
  }

  /** Ends its work. */
  done(error?: Error): void {
    this.isDone = true;
    if (error) this.#work.reject(error);
    else this.#work.resolve();
  }

  #meet(fate: Fate): void {
    this.fates.push(fate);
    this.#onFate(this, fate);
  }
}

function scene(limits: Partial<AdmissionLimits> = {}) {
  let nowMs = 0;
  const log: string[] = [];
  const names = new Map<Asker, string>();
  const admission = new Admission({ ...NARROW, ...limits }, () => nowMs);
  return {
    admission,
    /** `served a`, `refused b`, in order. */
    log,
    advance(ms: number) {
      nowMs += ms;
    },
    /** Asks as the door does: begins where there is room, else queues. */
    ask(name: string, priority = 5): Asker {
      const asker = new Asker(priority, nowMs, (one, fate) =>
        log.push(`${fate} ${names.get(one)}`),
      );
      names.set(asker, name);
      if (admission.hasRoom) admission.begin(() => asker.serve());
      else admission.enter(asker);
      return asker;
    },
  };
}

/** Enough turns for everything that does not wait for something else. */
async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await nextTurn();
}

describe('admission', () => {
  it('serves in the same turn while there is room', async () => {
    const { ask, log } = scene();
    ask('a');
    await nextTurn();
    expect(log).toEqual(['served a']);
  });

  it('serves by priority, then by age', async () => {
    const { ask, log } = scene();
    const first = ask('a');
    const others = [ask('b', 5), ask('c', 0), ask('d', 5)];
    await settle();
    expect(log).toEqual(['served a']);
    for (const asker of [first, others[1], others[0], others[2]]) {
      asker?.done();
      await settle();
    }
    expect(log).toEqual(['served a', 'served c', 'served b', 'served d']);
  });

  it('makes room also when work fails', async () => {
    const { ask, log } = scene();
    ask('a').done(new Error('broken'));
    ask('b');
    await settle();
    expect(log).toEqual(['served a', 'served b']);
  });

  it('refuses the youngest of the lowest priority when the queue is full', async () => {
    const { ask, log } = scene();
    ask('a');
    for (const [name, priority] of [
      ['b', 9],
      ['c', 9],
      ['d', 7],
      ['e', 0],
      ['f', 8],
    ] as const) {
      ask(name, priority);
    }
    await settle();
    expect(log).toEqual(['refused c', 'refused b', 'served a']);
  });

  it('refuses the newcomer itself where that is the lowest', async () => {
    const { ask, log, admission } = scene();
    ask('a');
    for (const name of ['b', 'c', 'd', 'e']) ask(name, 5);
    await settle();
    expect(log).toEqual(['refused e', 'served a']);
    expect(admission.queued).toBe(3);
  });

  it('refuses who has waited too long, and nobody else', async () => {
    const { ask, log, advance } = scene();
    const first = ask('a');
    ask('b', 9);
    advance(600);
    ask('c', 0);
    advance(401);
    ask('d', 9);
    await settle();
    expect(log).toEqual(['served a', 'refused b']);
    first.done();
    await settle();
    expect(log).toEqual(['served a', 'refused b', 'served c']);
  });

  it('looks for those who have waited too long also while nothing moves', async () => {
    const { ask, log, advance } = scene();
    ask('a');
    ask('b');
    await settle();
    advance(1_001);
    while (log.length < 2) await nextTurn();
    expect(log).toEqual(['served a', 'refused b']);
  });

  it('drops who is gone, without serving or refusing', async () => {
    const { ask, log, admission } = scene();
    const first = ask('a');
    ask('b', 0).isAway = true;
    ask('c', 5);
    first.done();
    await settle();
    expect(log).toEqual(['served a', 'served c']);
    expect([admission.queued, admission.atWork]).toEqual([0, 1]);
  });

  it('does not refuse who is gone', async () => {
    const { ask, log, advance, admission } = scene();
    ask('a');
    ask('b', 9).isAway = true;
    ask('c', 9);
    advance(1_001);
    await settle();
    expect(log).toEqual(['served a', 'refused c']);
    expect(admission.queued).toBe(0);
  });

  it('keeps room for higher priorities: lower ones never take all of it', async () => {
    const { ask, log } = scene({ atWork: 16, queued: 100, startsPerTurn: 100 });
    for (let n = 0; n < 20; n += 1) ask('low', 9);
    await settle();
    expect(log).toHaveLength(7);
    for (let n = 0; n < 20; n += 1) ask('middle', 5);
    await settle();
    expect(log).toHaveLength(11);
    for (let n = 0; n < 20; n += 1) ask('high', 0);
    await settle();
    expect(log.filter((line) => line === 'served high')).toHaveLength(5);
    expect(log).toHaveLength(16);
  });

  it('begins no more in one turn of the loop than it should', async () => {
    const { ask, log } = scene({ atWork: 1000, queued: 1000, startsPerTurn: 3, startsInCrowd: 3 });
    for (let n = 0; n < 10; n += 1) ask('a');
    const perTurn: number[] = [];
    for (let before = log.length; log.length < 10; before = log.length) {
      await nextTurn();
      perTurn.push(log.length - before);
    }
    expect(Math.max(...perTurn)).toBe(3);
  });

  it('lets go no more senders in one turn than it should', async () => {
    const { ask } = scene({ queued: 1, letGoPerTurn: 2 });
    ask('a');
    await settle();
    const askers = Array.from({ length: 8 }, () => ask('b', 9));
    const free = () => askers.filter(({ releases }) => releases > 0).length;
    const perTurn: number[] = [];
    for (let before = free(); before < 7; before = free()) {
      await nextTurn();
      perTurn.push(free() - before);
    }
    expect(Math.max(...perTurn)).toBe(2);
    expect(askers.filter(({ fates }) => fates[0] === 'refused').length).toBe(7);
  });

  it('holds nobody up for longer than one may wait', async () => {
    const { ask, advance } = scene({ queued: 1, letGoPerTurn: 1 });
    ask('a');
    const askers = Array.from({ length: 50 }, () => ask('b', 9));
    advance(1_001);
    await nextTurn();
    await nextTurn();
    expect(
      askers.filter(({ fates, releases }) => fates[0] === 'refused' && releases !== 1),
    ).toEqual([]);
  });

  it('lets a burst wait, and takes no more of a flood until they wait less', async () => {
    const { ask, log, advance, admission } = scene({ queued: 100, standingMs: 10, burstMs: 100 });
    const first = ask('a');
    ask('b', 9);
    advance(99);
    ask('c', 9);
    expect(log).toEqual([]);
    advance(1);
    ask('d', 9);
    ask('e', 0);
    expect(log).toEqual(['refused d', 'refused c']);
    first.done();
    await settle();
    expect(log).toEqual(['refused d', 'refused c', 'served a', 'served e']);
    expect(admission.queued).toBe(1);
  });

  it('takes on and on of a crowd that waits no longer than is borne', async () => {
    const { ask, log, advance } = scene({ queued: 100, standingMs: 10, burstMs: 100 });
    const askers = [ask('a', 9), ask('b', 9)];
    for (let n = 0; n < 50; n += 1) {
      advance(5);
      askers.push(ask('c', 9));
      askers[n]?.done();
      await settle(3);
    }
    expect(log).toHaveLength(51);
    expect(log.filter((line) => line.startsWith('refused'))).toEqual([]);
  });

  it('takes a burst again when the last one is over', async () => {
    const { ask, advance, admission, log } = scene({ queued: 100, standingMs: 10, burstMs: 100 });
    const askers = [ask('a'), ask('b')];
    advance(100);
    for (const asker of askers) {
      asker.done();
      await settle();
    }
    ask('c');
    for (let n = 0; n < 20; n += 1) ask('d', 9);
    advance(99);
    ask('d', 9);
    expect(admission.queued).toBe(21);
    expect(log.filter((line) => line.startsWith('refused'))).toEqual([]);
  });

  it('lets one of a high priority that comes during the drain overtake all that wait', async () => {
    const { ask, log } = scene({ atWork: 1000, queued: 1000 });
    for (let n = 0; n < 50; n += 1) ask('low', 9);
    await settle(10);
    const served = log.length;
    expect(served).toBeLessThan(50);
    ask('high', 0);
    await settle(100);
    expect(log.indexOf('served high')).toBe(served);
    expect(log).toHaveLength(51);
  });
});

/** What may happen: somebody asks, work ends, a sender goes away, time passes, the loop turns. */
const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ ask: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ end: fc.nat(30), fails: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ leave: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ ms: fc.nat(700) }) },
  { weight: 3, arbitrary: fc.constant({ turn: true }) },
);

describe('whatever happens', () => {
  it('never more work than allowed, and everybody is served or refused or gone, once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 120 }),
        fc.record({
          atWork: fc.integer({ min: 1, max: 8 }),
          queued: fc.nat(6),
          startsPerTurn: fc.integer({ min: 1, max: 4 }),
          burstMs: fc.nat(900),
          standingMs: fc.nat(300),
          letGoPerTurn: fc.integer({ min: 1, max: 4 }),
        }),
        async (events, limits) => {
          const { ask, advance, admission } = scene(limits);
          const askers: Asker[] = [];
          const working = () =>
            askers.filter(({ fates, isDone }) => fates[0] === 'served' && !isDone);
          for (const one of events) {
            if ('ask' in one) askers.push(ask('x', one.ask));
            else if ('end' in one) working()[one.end]?.done(one.fails ? new Error('x') : undefined);
            else if ('leave' in one) Object.assign(askers[one.leave] ?? {}, { isAway: true });
            else if ('ms' in one) advance(one.ms);
            else await nextTurn();
            expect(working().length).toBeLessThanOrEqual(limits.atWork);
            expect(admission.queued).toBeLessThanOrEqual(limits.queued);
          }
          while (admission.queued > 0 || admission.atWork > 0) {
            for (const asker of working()) asker.done();
            await nextTurn();
          }
          await settle(Math.ceil(askers.length / limits.letGoPerTurn) + 2);
          for (const { fates, isAway, releases } of askers) {
            if (isAway) expect(fates.length).toBeLessThanOrEqual(1);
            else expect(fates).toHaveLength(1);
            expect(releases).toBe(fates[0] === 'refused' ? 1 : 0);
          }
          expect([admission.queued, admission.atWork]).toEqual([0, 0]);
        },
      ),
      { numRuns: 200 },
    );
  });
});
