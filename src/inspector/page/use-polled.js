import { useEffect, useState } from 'preact/hooks';
import { ApiError } from './api.js';

/**
 * What `load` resolves to, asked again and again while it is shown: after `everyMs`, and at once when `deps` change.
 * An answer that comes after a newer question is not heard.
 *
 * @template T
 * @param {() => Promise<T>} load
 * @param {readonly unknown[]} deps
 * @param {number} [everyMs]
 * @returns {{ data: T | null, problem: ApiError | null, again: () => void }} `data`: the last good one
 */
export function usePolled(load, deps, everyMs = 2_000) {
  const [answer, setAnswer] = useState(
    /** @type {{ data: T | null, problem: ApiError | null }} */ ({ data: null, problem: null }),
  );
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const ask = async () => {
      try {
        const data = await load();
        if (isCurrent) setAnswer({ data, problem: null });
      } catch (error) {
        const problem = error instanceof ApiError ? error : new ApiError(0, String(error));
        if (isCurrent) setAnswer((before) => ({ ...before, problem }));
      }
      if (isCurrent) timer = setTimeout(() => void ask(), everyMs);
    };
    void ask();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [...deps, asked]);
  return { ...answer, again: () => setAsked((count) => count + 1) };
}
