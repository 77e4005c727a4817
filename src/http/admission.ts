/**
 * Admission: how much work one event loop takes on. Work begins a little in each turn of the loop; what
 * comes beyond that waits, by priority and age, while the loop goes on reading requests, so that one of a
 * high priority overtakes within a turn. A full queue refuses its lowest and youngest, and holds up who
 * sent them: to read and refuse all that a flood sends would leave no time for work. Nobody waits longer
 * than a second, and no request has a timer. It knows nothing of HTTP.
 */
import { ADMISSION_LIMITS, type AdmissionLimits } from './admission-limits.ts';
import { AdmissionQueue, Line, LOWEST_PRIORITY } from './admission-queue.ts';

/** One who asks to be served; is served, refused or dropped, exactly once. */
export interface Applicant {
  /** 0 (first) to 9. */
  readonly priority: number;
  /** `performance.now()` of its arrival. */
  readonly arrivedMs: number;
  /** Whether nobody waits for the answer any more; it is then dropped. */
  isGone(): boolean;
  /** Does the work; resolves or rejects when it is done. */
  serve(): Promise<unknown>;
  /** Refuses, as the node is saturated; answers who is to be held up. */
  refuse(): Sender;
}

/** One whose request was refused, and who can send no other before it is let go. */
export interface Sender {
  letGo(): void;
}

/** Most senders that are held up; beyond them the oldest is let go at once. */
const HELD_MOST = 16_384;
/** How often a queue that cannot move looks for those who have waited too long. */
const LOOK_MS = 50;
const SHARES = 16;

/** A sender that is held up, and since when. */
interface Held {
  sender: Sender;
  sinceMs: number;
}

/** Admits applicants to one event loop. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #nowMs: () => number;
  readonly #queue = new AdmissionQueue<Applicant>();
  readonly #held = new Line<Held>();
  /** Since when somebody has waited, or was held up; null when nobody is. */
  #saturatedMs: number | null = null;
  #atWork = 0;
  #started = 0;
  #beginning: (() => Promise<unknown>)[] = [];
  #isTurnDue = false;
  #look: NodeJS.Timeout | null = null;

  /** @param nowMs the clock of `arrivedMs`; default `performance.now` */
  constructor(limits: Partial<AdmissionLimits> = {}, nowMs = () => performance.now()) {
    this.#limits = { ...ADMISSION_LIMITS, ...limits };
    this.#nowMs = nowMs;
  }

  /** How many wait to be served. */
  get queued(): number {
    return this.#queue.size;
  }

  /** How many are at work. */
  get atWork(): number {
    return this.#atWork;
  }

  /** Whether there is room for anybody, so that a priority need not be known: `begin` then. */
  get hasRoom(): boolean {
    return (
      this.#queue.size === 0 &&
      this.#started < this.#limits.startsPerTurn &&
      this.#atWork < this.#roomFor(LOWEST_PRIORITY)
    );
  }

  /**
   * Begins work that needs no place in the queue, with all else of this turn: what begins together shares
   * one look at the change feed, and one commit.
   */
  begin(serve: () => Promise<unknown>): void {
    this.#atWork += 1;
    this.#started += 1;
    this.#beginning.push(serve);
    this.#turnSoon();
  }

  /** Puts an applicant into the queue; refuses the youngest of the lowest priority when it is full. */
  enter(applicant: Applicant): void {
    this.#queue.add(applicant.priority, applicant);
    this.#saturatedMs ??= this.#nowMs();
    if (this.#queue.size > this.#limits.queued || this.#isFlooded()) {
      this.#refuse(this.#queue.takeLast());
    }
    this.#turnSoon();
  }

  readonly #leave = (): void => {
    this.#atWork -= 1;
    if (this.#queue.size > 0) this.#turnSoon();
  };

  /** Whether the node has been saturated for longer than by a burst, and its lowest wait for longer than is borne. */
  #isFlooded(): boolean {
    const { burstMs, standingMs } = this.#limits;
    const nowMs = this.#nowMs();
    if (this.#saturatedMs === null || nowMs - this.#saturatedMs < burstMs) return false;
    const oldest = this.#queue.oldestOfLowest;
    return oldest !== undefined && nowMs - oldest.arrivedMs > standingMs;
  }

  #roomFor(priority: number): number {
    return Math.ceil((this.#limits.atWork * (SHARES - priority)) / SHARES);
  }

  #turnSoon(): void {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    setImmediate(this.#turn);
  }

  /** Runs after the loop has read what has arrived, so that the best of it goes first. */
  readonly #turn = (): void => {
    this.#isTurnDue = false;
    this.#started = this.#beginning.length;
    this.#run();
    if (this.#queue.size > 0) {
      this.#refuseLate();
      this.#startNext();
    }
    this.#letGo();
    if (this.#started > 0 || this.#held.length > 0) this.#turnSoon();
    else if (this.#queue.size > 0) this.#lookLater();
    if (this.#queue.size === 0 && this.#held.length === 0) this.#saturatedMs = null;
  };

  #refuseLate(): void {
    const latestMs = this.#nowMs() - this.#limits.waitMs;
    const isLate = (applicant: Applicant) => applicant.arrivedMs < latestMs;
    for (let late = this.#queue.takeOldest(isLate); late; late = this.#queue.takeOldest(isLate)) {
      this.#refuse(late);
    }
  }

  #startNext(): void {
    const { startsPerTurn, startsInCrowd, crowd } = this.#limits;
    const most = this.#queue.size >= crowd ? startsInCrowd : startsPerTurn;
    while (this.#started < most) {
      const priority = this.#queue.firstPriority;
      if (priority === null || this.#atWork >= this.#roomFor(priority)) return;
      const next = this.#queue.takeFirst();
      if (next === undefined || next.isGone()) continue;
      this.#atWork += 1;
      this.#started += 1;
      this.#beginning.push(() => next.serve());
    }
    this.#run();
  }

  #run(): void {
    const beginning = this.#beginning;
    this.#beginning = [];
    for (const serve of beginning) serve().then(this.#leave, this.#leave);
  }

  #refuse(applicant: Applicant | undefined): void {
    if (applicant === undefined || applicant.isGone()) return;
    this.#held.push({ sender: applicant.refuse(), sinceMs: this.#nowMs() });
    if (this.#held.length > HELD_MOST) this.#held.shift()?.sender.letGo();
  }

  #letGo(): void {
    const latestMs = this.#nowMs() - this.#limits.waitMs;
    for (let n = 0; this.#held.first !== undefined; n += 1) {
      if (n >= this.#limits.letGoPerTurn && this.#held.first.sinceMs > latestMs) return;
      this.#held.shift()?.sender.letGo();
    }
  }

  #lookLater(): void {
    this.#look ??= setTimeout(() => {
      this.#look = null;
      if (this.#queue.size > 0) this.#turnSoon();
    }, LOOK_MS).unref();
  }
}
