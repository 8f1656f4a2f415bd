/**
 * Philox-4x64-10 (Salmon et al. 2011), the counter-based generator, as numpy has it.
 *
 * A word of 64 bits is two numbers of 32 here, the low one first: JavaScript multiplies those
 * exactly, and many times faster than its big integers.
 */

const LOW = 2 ** 32;
const ROUNDS = 10;
/** The multipliers and what is added to the key after each round, low half and high half. */
const M0 = [0xe14c6c93, 0xd2e7470e];
const M1 = [0x95121157, 0xca5a8263];
const W0 = [0x7f4a7c15, 0x9e3779b9];
const W1 = [0x84caa73b, 0xbb67ae85];

/** The product of the last `multiply`: low and high half of its low word, then of its high word. */
const product = new Uint32Array(4);
/** The same of `wide`. */
let wideHigh = 0;
let wideLow = 0;

/**
 * The first `n` words of a generator of this key, from this counter on: `2 n` halves, low first.
 * @param {[number, number]} key whole numbers below 2^53
 * @param {[number, number, number, number]} counter the same
 * @param {number} n
 * @returns {Uint32Array}
 */
export function philoxWords(key, counter, n) {
  const words = new Uint32Array(8 * Math.ceil(n / 4));
  const begin = Uint32Array.from(key.flatMap(halves));
  const count = Uint32Array.from(counter.flatMap(halves));
  for (let place = 0; place < words.length; place += 8) {
    increment(count);
    const block = words.subarray(place, place + 8);
    block.set(count);
    scramble(block, begin.slice());
  }
  return words.subarray(0, 2 * n);
}

/** @param {number} value */
const halves = (value) => [value % LOW, Math.floor(value / LOW)];

/** @param {Uint32Array} count */
function increment(count) {
  for (let place = 0; place < count.length && ++count[place] === 0; place++);
}

/**
 * @param {Uint32Array} block four words, the counter, which become random
 * @param {Uint32Array} key two words, which change
 */
function scramble(block, key) {
  for (let round = 0; round < ROUNDS; round++) {
    if (round) {
      add(key, 0, W0);
      add(key, 2, W1);
    }
    multiply(M0, block[0], block[1]);
    const [low0, high0, over0, top0] = product;
    multiply(M1, block[4], block[5]);
    const [low1, high1, over1, top1] = product;
    block[0] = over1 ^ block[2] ^ key[0];
    block[1] = top1 ^ block[3] ^ key[1];
    block[4] = over0 ^ block[6] ^ key[2];
    block[5] = top0 ^ block[7] ^ key[3];
    block[2] = low1;
    block[3] = high1;
    block[6] = low0;
    block[7] = high0;
  }
}

/**
 * @param {Uint32Array} key
 * @param {number} place
 * @param {number[]} amount
 */
function add(key, place, [low, high]) {
  const sum = key[place] + low;
  key[place] = sum;
  key[place + 1] += high + (sum >= LOW ? 1 : 0);
}

/**
 * `product` = `m` × a word.
 * @param {number[]} m
 * @param {number} low
 * @param {number} high
 */
function multiply([mLow, mHigh], low, high) {
  wide(mLow, low);
  product[0] = wideLow;
  let carry = wideHigh;
  wide(mLow, high);
  const crossHigh = wideHigh;
  let sum = carry + wideLow;
  wide(mHigh, low);
  sum += wideLow;
  product[1] = sum;
  carry = Math.floor(sum / LOW) + crossHigh + wideHigh;
  wide(mHigh, high);
  sum = carry + wideLow;
  product[2] = sum;
  product[3] = wideHigh + Math.floor(sum / LOW);
}

/**
 * `wideHigh`, `wideLow` = `a` × `b`, of 32 bits each.
 * @param {number} a
 * @param {number} b
 */
function wide(a, b) {
  const aLow = a & 0xffff, aHigh = a >>> 16, bLow = b & 0xffff, bHigh = b >>> 16;
  const first = aLow * bLow;
  const second = aHigh * bLow + (first >>> 16);
  const third = aLow * bHigh + (second & 0xffff);
  wideHigh = aHigh * bHigh + (second >>> 16) + (third >>> 16);
  wideLow = Math.imul(a, b) >>> 0;
}
