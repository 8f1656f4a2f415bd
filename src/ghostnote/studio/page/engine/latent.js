/** The latent space, as `latent.py`: what a seed stands for, the prior, and the way between two. */

import { refused } from "./errors.js";
import { philoxWords } from "./random/philox.js";

/**
 * The first `n` numbers, uniform in (0, 1), of draw `index` of `seed`.
 * @param {number} seed
 * @param {number} index
 * @param {number} n
 * @param {number} [attempt]
 */
export function uniforms(seed, index, n, attempt = 0) {
  const words = philoxWords([seed, index], [0, 0, 0, attempt], Math.ceil(n / 2));
  return Float32Array.from(words.subarray(0, n), (half) => ((half >>> 9) + 0.5) * 2 ** -23);
}

/**
 * Standard normal numbers out of an even number of uniform ones (Box and Muller 1958).
 * @param {Float32Array} uniform
 */
export function normals(uniform) {
  const half = uniform.length / 2;
  const result = new Float32Array(uniform.length);
  for (let i = 0; i < half; i++) {
    const radius = Math.sqrt(-2 * Math.log(uniform[i]));
    const angle = 2 * Math.PI * uniform[half + i];
    result[i] = radius * Math.cos(angle);
    result[half + i] = radius * Math.sin(angle);
  }
  return result;
}

/** Where z is drawn from: a mixture of `K` Gaussians. */
export class Prior {
  /**
   * @param {Float32Array} weights `[K]`, summing to 1
   * @param {Float32Array[]} means `K` times `[Z]`
   * @param {Float32Array[]} factors `K` times `[Z, Z]`, lower triangular; or once, for all
   */
  constructor(weights, means, factors) {
    this.weights = weights;
    this.means = means;
    this.factors = factors;
  }

  /** `Z` */
  get size() {
    return this.means[0].length;
  }

  /** How many uniform numbers one draw uses. */
  get nUniforms() {
    return 1 + this.size + (this.size % 2);
  }

  /**
   * The prior of what is in all of several parts of the training data.
   * @param {{share: Float32Array, apart: Float32Array}[]} parts
   */
  narrowed(parts) {
    const weights = Float64Array.from(this.weights);
    const shift = new Float64Array(this.size);
    for (const { share, apart } of parts) {
      weights.forEach((weight, k) => {
        weights[k] = (weight * share[k]) / this.weights[k];
      });
      apart.forEach((by, i) => {
        shift[i] += by;
      });
    }
    const whole = weights.reduce((sum, weight) => sum + weight, 0);
    return new Prior(
      Float32Array.from(weights, (weight) => weight / whole),
      this.means.map((mean) => mean.map((value, i) => value + shift[i])),
      this.factors,
    );
  }

  /**
   * One z `[Z]` from `nUniforms` uniform numbers: the first one chooses the component.
   * @param {Float32Array} uniform
   */
  draw(uniform) {
    let reached = 0;
    const ends = Array.from(this.weights, (weight) => (reached += weight));
    const goal = uniform[0] * reached;
    const chosen = ends.findIndex((end) => end >= goal);
    const normal = normals(uniform.subarray(1, this.nUniforms));
    const factor = this.factors[Math.min(chosen, this.factors.length - 1)];
    const [mean, size] = [this.means[chosen], this.size];
    return Float32Array.from(mean, (centre, row) => {
      let sum = 0;
      for (let column = 0; column <= row; column++) {
        sum += factor[row * size + column] * normal[column];
      }
      return centre + sum;
    });
  }
}

/** Unit vectors whose sum is shorter than this have no way between them that is the shortest. */
const OPPOSITE = 1e-6;

/**
 * The point at `t` on the way from `a` to `b` on the sphere (Shoemake 1985), `[Z]`.
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 * @param {number} t from 0 to 1
 */
export function slerp(a, b, t) {
  const start = Float64Array.from(a), end = Float64Array.from(b);
  if (t >= 1) return Float32Array.from(end);
  if (t <= 0 || start.every((value, i) => value === end[i])) return Float32Array.from(start);
  const rest = 1 - t;
  const lengths = [norm(start), norm(end)];
  let first = scaled(start, lengths[0]), last = scaled(end, lengths[1]);
  if (!(lengths[0] > 0)) first = last;
  if (!(lengths[1] > 0)) last = first;
  const middle = first.map((value, i) => value + last[i]);
  const across = first.map((value, i) => value - last[i]);
  const wide = norm(across), deep = norm(middle);
  const sideways = scaled(across, wide);
  const opposite = deep < OPPOSITE;
  const ahead = opposite ? aside(sideways) : scaled(middle, deep);
  const angle = Math.atan2(wide, opposite ? 0 : deep) * (rest - t);
  const length = rest * lengths[0] + t * lengths[1];
  const cos = Math.cos(angle), sin = Math.sin(angle);
  return Float32Array.from(ahead, (value, i) => length * (cos * value + sin * sideways[i]));
}

/** @param {Float64Array} vector */
const norm = (vector) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));

/**
 * @param {Float64Array} vector
 * @param {number} length
 */
const scaled = (vector, length) => (length > 0 ? vector.map((value) => value / length) : vector);

/**
 * A unit vector at right angles to `axis`, the same for -`axis`; 0 where there is none.
 * @param {Float64Array} axis
 */
function aside(axis) {
  const sizes = axis.map(Math.abs);
  const chosen = sizes.indexOf(Math.min(...sizes));
  const found = axis.map((value, i) => (i === chosen ? 1 : 0) - axis[chosen] * value);
  return scaled(found, norm(found));
}

/**
 * `n` evenly spaced numbers from 0 to 1, such that number i is 1 minus number n-1-i exactly.
 * @param {number} n
 */
export function shares(n) {
  if (n < 2) throw refused(`${n} steps from one end to the other`, "2 or more, with both");
  return Array.from({ length: n }, (_, i) => {
    const late = i / (n - 1);
    return late < 0.5 ? 1 - (n - 1 - i) / (n - 1) : late;
  });
}
