/** numpy's `default_rng`: PCG64 (O'Neill 2014), seeded through its `SeedSequence`. */

const WORD = 1n << 64n;
const STATE = 1n << 128n;
const MULTIPLIER = (2549297995355413924n << 64n) + 4865540595714422341n;
const POOL = 4;

/** What numpy calls a `Generator`; only the draws that tasks make. */
export class Generator {
  /** The high half of a word whose low half has been drawn, or -1. */
  #half = -1;

  /** @param {number} seed a whole number from 0 to 2^53 - 1 */
  constructor(seed) {
    const [a, b, c, d] = seedWords(seed);
    this.increment = (((((c << 64n) | d) << 1n) | 1n) % STATE);
    this.state = 0n;
    this.#step();
    this.state = (this.state + ((a << 64n) | b)) % STATE;
    this.#step();
  }

  #step() {
    this.state = (this.state * MULTIPLIER + this.increment) % STATE;
  }

  /** 64 random bits. */
  #word() {
    this.#step();
    const folded = (this.state >> 64n) ^ (this.state % WORD);
    const turn = this.state >> 122n;
    return ((folded >> turn) | (folded << (64n - turn))) % WORD;
  }

  /** 32 random bits; of a word, the low ones first. */
  #halfWord() {
    if (this.#half >= 0) {
      const half = this.#half;
      this.#half = -1;
      return half;
    }
    const word = this.#word();
    this.#half = Number(word >> 32n);
    return Number(word & 0xffffffffn);
  }

  /**
   * `n` numbers from 0 to below 1.
   * @param {number} n
   */
  random(n) {
    return Float64Array.from({ length: n }, () => Number(this.#word() >> 11n) * 2 ** -53);
  }

  /**
   * `n` whole numbers from `low` to below `high` (Lemire 2019).
   * @param {number} low
   * @param {number} high
   * @param {number} n
   */
  integers(low, high, n) {
    const range = high - low;
    if (range === 1) return new Float64Array(n).fill(low);
    const unfair = 2 ** 32 % range;
    return Float64Array.from({ length: n }, () => {
      for (;;) {
        const scaled = BigInt(this.#halfWord()) * BigInt(range);
        if (Number(scaled & 0xffffffffn) >= unfair) return low + Number(scaled >> 32n);
      }
    });
  }
}

/**
 * Four words of `SeedSequence(seed)`.
 * @param {number} seed
 */
function seedWords(seed) {
  const entropy = [seed >>> 0, Math.floor(seed / 2 ** 32)];
  const mixed = hasher(0x43b0d7e5, 0x931e8875);
  const pool = Array.from({ length: POOL }, (_, place) => mixed(entropy[place] ?? 0));
  for (let source = 0; source < POOL; source++) {
    for (let target = 0; target < POOL; target++) {
      if (source !== target) pool[target] = mix(pool[target], mixed(pool[source]));
    }
  }
  const drawn = hasher(0x8b51f9dd, 0x58f38ded);
  const halves = Array.from({ length: 8 }, (_, place) => BigInt(drawn(pool[place % POOL])));
  return [0, 2, 4, 6].map((place) => halves[place] | (halves[place + 1] << 32n));
}

/**
 * @param {number} begin
 * @param {number} multiplier
 */
function hasher(begin, multiplier) {
  let constant = begin;
  return (/** @type {number} */ value) => {
    const before = value ^ constant;
    constant = Math.imul(constant, multiplier);
    const after = Math.imul(before, constant);
    return (after ^ (after >>> 16)) >>> 0;
  };
}

/**
 * @param {number} one
 * @param {number} other
 */
function mix(one, other) {
  const result = Math.imul(0xca01f9dd, one) - Math.imul(0x4973f715, other);
  return (result ^ (result >>> 16)) >>> 0;
}
