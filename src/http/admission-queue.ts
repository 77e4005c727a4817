/** What waits for its turn: by priority, then by age. Ten lines, so that every step takes constant time. */

/** The lowest of the priorities 0 to 9. */
export const LOWEST_PRIORITY = 9;

/** Waiting items of the priorities 0 (first) to 9. */
export class AdmissionQueue<T> {
  readonly #lines: Line<T>[] = Array.from({ length: LOWEST_PRIORITY + 1 }, () => new Line<T>());
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** The best priority that anybody waits with; null when nobody waits. */
  get firstPriority(): number | null {
    if (this.#size === 0) return null;
    return this.#lines.findIndex((line) => line.length > 0);
  }

  /** Who has waited longest with the lowest priority that anybody waits with. */
  get oldestOfLowest(): T | undefined {
    return this.#lines.findLast((line) => line.length > 0)?.first;
  }

  /** Adds to the end of the line of a priority, 0 to 9. */
  add(priority: number, item: T): void {
    const line = this.#lines[priority];
    if (line === undefined) throw new RangeError(`priority is ${priority}; use 0 to 9`);
    line.push(item);
    this.#size += 1;
  }

  /** Takes the oldest of the best priority. */
  takeFirst(): T | undefined {
    return this.#taken(this.#lines.find((line) => line.length > 0)?.shift());
  }

  /** Takes the youngest of the lowest priority. */
  takeLast(): T | undefined {
    return this.#taken(this.#lines.findLast((line) => line.length > 0)?.pop());
  }

  /** Takes the oldest of any priority that fits, the lowest priority first. */
  takeOldest(fits: (item: T) => boolean): T | undefined {
    const line = this.#lines.findLast(({ first }) => first !== undefined && fits(first));
    return this.#taken(line?.shift());
  }

  #taken(item: T | undefined): T | undefined {
    if (item !== undefined) this.#size -= 1;
    return item;
  }
}

/** Slots that were emptied at the front of a line before they are cut off. */
const EMPTIED_MOST = 256;

/** First in, first out; the last can also leave by the end. */
export class Line<T> {
  #items: (T | undefined)[] = [];
  #emptied = 0;

  get length(): number {
    return this.#items.length - this.#emptied;
  }

  get first(): T | undefined {
    return this.#items[this.#emptied];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#emptied];
    this.#items[this.#emptied] = undefined;
    this.#emptied += 1;
    if (this.#emptied === this.#items.length) this.#cut();
    else if (this.#emptied >= EMPTIED_MOST && this.#emptied * 2 >= this.#items.length) this.#cut();
    return item;
  }

  pop(): T | undefined {
    return this.length === 0 ? undefined : this.#items.pop();
  }

  #cut(): void {
    this.#items = this.#items.slice(this.#emptied);
    this.#emptied = 0;
  }
}
