/** Waiting that can be cut short. */

/** Waits; answers false when the wait was cut short. */
export function pause(delayMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const cut = () => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', cut);
      resolve(true);
    }, delayMs);
    signal.addEventListener('abort', cut, { once: true });
  });
}

/**
 * What work comes to, or `otherwise` when the wait for it was cut short: then the work goes on by
 * itself, or is not begun at all.
 */
export async function unlessCut<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  otherwise: T,
): Promise<T> {
  if (signal.aborted) return otherwise;
  let cut = () => {};
  const ended = new Promise<T>((resolve) => {
    cut = () => resolve(otherwise);
    signal.addEventListener('abort', cut, { once: true });
  });
  try {
    return await Promise.race([work(), ended]);
  } finally {
    signal.removeEventListener('abort', cut);
  }
}

/** Waits for work, but no longer than `mostMs`. */
export async function within(mostMs: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, pause(mostMs, done.signal)]);
  done.abort();
}
