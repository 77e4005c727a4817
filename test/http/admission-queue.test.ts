import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AdmissionQueue, Line } from '../../src/http/admission-queue.ts';

function queueOf(...entries: [priority: number, item: string][]): AdmissionQueue<string> {
  const queue = new AdmissionQueue<string>();
  for (const [priority, item] of entries) queue.add(priority, item);
  return queue;
}

function takeAll(take: () => string | undefined): string[] {
  const taken: string[] = [];
  for (let item = take(); item !== undefined; item = take()) taken.push(item);
  return taken;
}

describe('the queue', () => {
  const queue = () => queueOf([5, 'a'], [9, 'b'], [0, 'c'], [5, 'd'], [0, 'e'], [9, 'f']);

  it('gives the best priority first, and of one priority the oldest', () => {
    const waiting = queue();
    expect(takeAll(() => waiting.takeFirst())).toEqual(['c', 'e', 'a', 'd', 'b', 'f']);
  });

  it('gives up the lowest priority first, and of one priority the youngest', () => {
    const waiting = queue();
    expect(takeAll(() => waiting.takeLast())).toEqual(['f', 'b', 'd', 'a', 'e', 'c']);
  });

  it('finds the oldest that fits in any line, and leaves the others', () => {
    const waiting = queue();
    expect(takeAll(() => waiting.takeOldest((item) => item < 'd'))).toEqual(['b', 'a', 'c']);
    expect(waiting.size).toBe(3);
    expect(takeAll(() => waiting.takeFirst())).toEqual(['e', 'd', 'f']);
  });

  it('tells its size and its best priority', () => {
    const waiting = queueOf([7, 'a'], [3, 'b']);
    expect([waiting.size, waiting.firstPriority]).toEqual([2, 3]);
    waiting.takeFirst();
    expect([waiting.size, waiting.firstPriority]).toEqual([1, 7]);
    waiting.takeLast();
    expect([waiting.size, waiting.firstPriority]).toEqual([0, null]);
    expect(waiting.takeFirst()).toBeUndefined();
    expect(waiting.takeLast()).toBeUndefined();
    expect(waiting.size).toBe(0);
  });

  it.each([-1, 10, 0.5, Number.NaN])('refuses the priority %d', (priority) => {
    expect(() => queueOf([priority, 'a'])).toThrow(RangeError);
  });
});

describe('a line', () => {
  it('is a list of which both ends can leave, whatever the order of the calls', () => {
    const calls = fc.array(fc.constantFrom('push', 'push', 'shift', 'pop'), { maxLength: 2000 });
    fc.assert(
      fc.property(calls, (names) => {
        const line = new Line<number>();
        const model: number[] = [];
        for (const [n, name] of names.entries()) {
          if (name === 'push') {
            line.push(n);
            model.push(n);
          } else if (name === 'shift') expect(line.shift()).toBe(model.shift());
          else expect(line.pop()).toBe(model.pop());
          expect([line.length, line.first]).toEqual([model.length, model[0]]);
        }
      }),
    );
  });

  it('keeps its order past the slots that it has cut off', () => {
    const line = new Line<number>();
    const taken: (number | undefined)[] = [];
    for (let n = 0; n < 3000; n += 1) {
      line.push(n);
      if (n % 3 !== 0) taken.push(line.shift());
    }
    while (line.length > 0) taken.push(line.shift());
    expect(taken).toEqual(Array.from({ length: 3000 }, (_, n) => n));
  });
});
