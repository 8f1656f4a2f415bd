/** How far downloads have come. */

/**
 * Bytes that have come, and bytes that there are as far as is known.
 * @typedef {{loaded: number, total: number}} Progress
 */

/** Milliseconds between two reports. */
const OFTEN = 100;

/**
 * `fetch` that tells how many bytes have come, of all that it was asked for since it last rested.
 * @param {typeof fetch} fetch
 * @param {(progress: Progress) => void} tell
 * @returns {typeof fetch}
 */
export function counted(fetch, tell) {
  const progress = { loaded: 0, total: 0 };
  let running = 0, told = 0;

  /** @param {boolean} always */
  const report = (always) => {
    if (!always && performance.now() - told < OFTEN) return;
    told = performance.now();
    tell({ loaded: progress.loaded, total: Math.max(progress.loaded, progress.total) });
  };

  return async (...request) => {
    const response = await fetch(...request);
    if (!response.ok || !response.body) return response;
    if (!running++) Object.assign(progress, { loaded: 0, total: 0 });
    progress.total += Number(response.headers.get("Content-Length") ?? 0);
    const body = response.body.pipeThrough(new TransformStream({
      transform(chunk, controller) {
        progress.loaded += chunk.byteLength;
        report(false);
        controller.enqueue(chunk);
      },
      flush() {
        running--;
        report(true);
      },
    }));
    return new Response(body, response);
  };
}
