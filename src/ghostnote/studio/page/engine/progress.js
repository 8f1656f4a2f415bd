/** How far downloads have come. */

/**
 * Bytes that have come, and bytes that there are of all that was asked for, as far as is known.
 * @typedef {{loaded: number, total: number}} Progress
 */

/** Milliseconds between two reports. */
const OFTEN = 100;

/**
 * `fetch` that tells how many bytes have come in all.
 * @param {typeof fetch} fetch
 * @param {(progress: Progress) => void} tell
 * @returns {typeof fetch}
 */
export function counted(fetch, tell) {
  let loaded = 0, total = 0, told = 0;

  /** @param {boolean} always */
  const report = (always) => {
    if (!always && performance.now() - told < OFTEN) return;
    told = performance.now();
    tell({ loaded, total: Math.max(loaded, total) });
  };

  return async (...request) => {
    const response = await fetch(...request);
    if (!response.ok || !response.body) return response;
    total += Number(response.headers.get("Content-Length") ?? 0);
    const body = response.body.pipeThrough(new TransformStream({
      transform(chunk, controller) {
        loaded += chunk.byteLength;
        report(false);
        controller.enqueue(chunk);
      },
      flush: () => report(true),
    }));
    return new Response(body, response);
  };
}
