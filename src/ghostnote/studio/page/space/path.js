/** Paths drawn on a pad: lines through points whose coordinates go from 0 to 1, y downwards. */

/** @typedef {{x: number, y: number}} Point */

/** How far a pen must move before a point is added, as a share of the pad's side. */
export const PEN_STEP = 0.01;

/** How many bars an arrangement along a path may have. */
export const MOST_BARS = 64;

/** @param {number} value */
export const unit = (value) => Math.min(1, Math.max(0, value));

/** @type {(a: Point, b: Point) => number} */
export const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

/** @type {(a: Point, b: Point, t: number) => Point} */
export const between = (a, b, t) => ({ x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t });

/**
 * The path with one more point, on the pad; the same path where the pen hardly moved.
 *
 * @param {readonly Point[]} path
 * @param {Point} point
 * @returns {readonly Point[]}
 */
export function drawn(path, point) {
  const inside = { x: unit(point.x), y: unit(point.y) };
  const last = path.at(-1);
  return last && distance(last, inside) < PEN_STEP ? path : [...path, inside];
}

/**
 * How long a path is, in sides of the pad.
 *
 * @param {readonly Point[]} path
 */
export const length = (path) =>
  path.slice(1).reduce((sum, point, index) => sum + distance(path[index], point), 0);

/**
 * Where on a path one is after a share `t` of its length: 0 is its start, 1 its end.
 *
 * @param {readonly Point[]} path at least one point
 * @param {number} t
 * @returns {Point}
 */
export function along(path, t) {
  let left = unit(t) * length(path);
  for (let index = 1; index < path.length; index++) {
    const part = distance(path[index - 1], path[index]);
    if (left <= part && part > 0) return between(path[index - 1], path[index], left / part);
    left -= part;
  }
  return path[path.length - 1];
}

/**
 * `n` places at even distances along a path, its start and its end included; of one, the start.
 *
 * @param {readonly Point[]} path at least one point
 * @param {number} n
 */
export const stations = (path, n) =>
  Array.from({ length: n }, (_, index) => along(path, n > 1 ? index / (n - 1) : 0));
