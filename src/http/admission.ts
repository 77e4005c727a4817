/**
 * Admission: how much work one event loop takes on. Work begins a little in each turn of the loop; what
 * comes beyond that waits, by priority and age, while the loop goes on reading requests, so that one of a
 * high priority overtakes within a turn. A full queue refuses its lowest and youngest, nobody waits
 * longer than a second, and no request has a timer. It knows nothing of HTTP.
 */
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
  /** Answers that the node is saturated. */
  refuse(): void;
}

/** How much is taken on. */
export interface AdmissionLimits {
  /** Most at work; those of priority p may fill (16 - p) / 16 of it, so that a higher one finds room. */
  atWork: number;
  /** Most that wait. */
  queued: number;
  /** Longest wait, in milliseconds. */
  waitMs: number;
  /** Most that begin in one turn of the event loop: what is written together shares a commit. */
  startsPerTurn: number;
  /** Most that begin in a turn while a crowd waits, so that one of a high priority soon has its own. */
  startsInCrowd: number;
  /** How many that wait are a crowd. */
  crowd: number;
  /** Most refusals that are answered in one turn; the others stay behind and hold up their senders. */
  refusalsPerTurn: number;
}

/** The limits of one event loop; docs/performance.md tells what they were measured by. */
export const ADMISSION_LIMITS: AdmissionLimits = {
  atWork: 1024,
  queued: 1024,
  waitMs: 1_000,
  startsPerTurn: 16,
  startsInCrowd: 2,
  crowd: 512,
  refusalsPerTurn: 8,
};

/** Most refusals that stay behind; beyond them the oldest are answered at once. */
const REFUSED_MOST = 16_384;
/** How often a queue that cannot move looks for those who have waited too long. */
const LOOK_MS = 50;
const SHARES = 16;

/** Admits applicants to one event loop. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #nowMs: () => number;
  readonly #queue = new AdmissionQueue<Applicant>();
  readonly #refused = new Line<Applicant>();
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
    if (this.#queue.size > this.#limits.queued) this.#refuse(this.#queue.takeLast());
    this.#turnSoon();
  }

  readonly #leave = (): void => {
    this.#atWork -= 1;
    if (this.#queue.size > 0) this.#turnSoon();
  };

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
    this.#answerRefused(this.#limits.refusalsPerTurn);
    if (this.#started > 0 || this.#refused.length > 0) this.#turnSoon();
    else if (this.#queue.size > 0) this.#lookLater();
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
    if (applicant === undefined) return;
    this.#refused.push(applicant);
    if (this.#refused.length > REFUSED_MOST) this.#answerRefused(1);
  }

  #answerRefused(most: number): void {
    for (let answered = 0; answered < most; ) {
      const applicant = this.#refused.shift();
      if (applicant === undefined) return;
      if (applicant.isGone()) continue;
      applicant.refuse();
      answered += 1;
    }
  }

  #lookLater(): void {
    this.#look ??= setTimeout(() => {
      this.#look = null;
      if (this.#queue.size > 0) this.#turnSoon();
    }, LOOK_MS).unref();
  }
}
