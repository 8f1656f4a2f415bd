/** Writing over grooves of any length with a window that slides, as `pipeline/writing.py`. */

import { refused } from "../errors.js";
import { normals, uniforms } from "../latent.js";
import { stepsPerBar } from "../music/groove.js";
import { N_VOICES } from "../music/kit.js";
import { TASKS, WIDTH, told } from "../music/tasks.js";

/** @import { Bundle } from "../bundle.js" */
/** @import { Runtime } from "../runtime.js" */

/**
 * A groove that is to be written over.
 * @typedef {object} Page
 * @property {Float32Array} x `[T, 3V]`, what stands there
 * @property {Float32Array} known `[T, 3V]`, 1 where a number stays as it is
 * @property {Float32Array} [told] `[T, 3V]`, what the encoder is given; what is known by default
 * @property {Float32Array} [lift] `[T, V]`, what is added to the log-odds of a hit
 */

/**
 * How a model is asked for a task: its number, for a model that has to be told, and how often each
 * window is read and written.
 * @typedef {{number: number | null, rounds: number}} Lesson
 */

/** How often a model that was taught no task reads what it wrote and writes it anew. */
const ROUNDS = /** @type {Record<string, number>} */ ({ humanize: 2, infill: 4 });

/** Which models that were not taught a task can do it all the same. */
const ABLE = /** @type {Record<string, string[]>} */ ({
  humanize: ["identity", "hits-control"], infill: ["identity"],
});

/** Where the random numbers of the windows' z begin, apart from those of the steps. */
const Z_STREAM = 2 ** 32;
/** Windows that go through the model at one time. */
const AT_ONCE = 1024;

const GIVES_EXPRESSION = ["likelihood", "squared-error"];

/**
 * How `bundle` does the task `kind`.
 * @param {Bundle} bundle
 * @param {string} kind humanize, tap or infill
 * @returns {Lesson}
 */
export function lesson(bundle, kind) {
  const head = bundle.config.model.head?.kind ?? "likelihood";
  if (kind === "humanize" && !GIVES_EXPRESSION.includes(head)) {
    throw refused(
      `${bundle.name} writes hits without velocity and timing`,
      "use a model of grooves, such as groove-4bar",
    );
  }
  const taught = bundle.task.kind;
  if (taught === "mixture") {
    return { number: TASKS.findIndex((task) => task.kind === kind), rounds: 1 };
  }
  if (taught === kind) return { number: null, rounds: 1 };
  if (ABLE[kind]?.includes(taught)) return { number: null, rounds: ROUNDS[kind] };
  throw refused(
    `${bundle.name} was taught ${taught}, which is not ${kind}`,
    `use a model that was taught ${kind}`,
  );
}

/**
 * Each page with what is not known of it written by the model, `[T, 3V]` each. The noise of a step
 * is the same in whatever window it is written.
 * @param {Runtime} runtime
 * @param {Page[]} pages
 * @param {Lesson} how
 * @param {{seed: number, start?: number, temperature?: number | null, spread: number}} drawing
 */
export async function write(runtime, pages, how, { seed, start = 0, temperature, spread }) {
  const { bundle } = runtime;
  const heat = temperature ?? bundle.temperature;
  const desks = pages.map((page, row) =>
    new Desk(page, bundle, Math.floor(bundle.steps / 2), seed, start + row, heat));
  const most = Math.max(0, ...desks.map(({ places }) => places.length));
  for (let number = 0; number < most; number++) {
    const windows = desks.flatMap((desk) => {
      const begin = desk.places[number];
      return begin === undefined || desk.isKnown(begin) ? [] : [{ desk, begin }];
    });
    if (!windows.length) continue;
    const results = await played(runtime, windows, how, heat, spread);
    windows.forEach(({ desk, begin }, row) => desk.write(begin, results[row]));
  }
  return desks.map(({ x }, row) => x.subarray(0, pages[row].x.length));
}

/**
 * Each page with the velocities and offsets that are to be expected of its hits, `[T, 3V]` each:
 * the mean of what windows say that begin at every bar. All hits are known.
 * @param {Runtime} runtime
 * @param {Page[]} pages
 * @param {Lesson} how
 * @param {{seed: number, start?: number, spread: number}} drawing
 */
export async function expected(runtime, pages, how, { seed, start = 0, spread }) {
  const { bundle } = runtime;
  const hop = stepsPerBar(bundle.meter);
  const desks = pages.map((page, row) => new Desk(page, bundle, hop, seed, start + row, 0));
  const windows = desks.flatMap((desk, row) =>
    desk.places.filter((begin) => !desk.isKnown(begin)).map((begin) => ({ desk, begin, row })));
  const sums = desks.map(({ x }) => new Float64Array(x.length));
  const counts = desks.map(({ x }) => new Float64Array(x.length));
  for (let first = 0; first < windows.length; first += AT_ONCE) {
    const some = windows.slice(first, first + AT_ONCE);
    const results = await played(runtime, some, how, 0, spread);
    some.forEach(({ begin, row }, index) => results[index].forEach((value, at) => {
      sums[row][begin * WIDTH + at] += value;
      counts[row][begin * WIDTH + at] += 1;
    }));
  }
  return desks.map(({ x }, row) =>
    x.map((value, at) => (counts[row][at] ? sums[row][at] / counts[row][at] : value))
      .subarray(0, pages[row].x.length));
}

/**
 * The page, played over and over until it has `steps` steps, if it is shorter.
 * @param {Page} page
 * @param {number} steps
 * @returns {Page}
 */
function filled(page, steps) {
  if (page.x.length >= steps * WIDTH) return page;
  /** @type {(array: Float32Array, size: number) => Float32Array} */
  const again = (array, size) =>
    Float32Array.from({ length: steps * size }, (_, i) => array[i % array.length]);
  return {
    x: again(page.x, WIDTH),
    known: again(page.known, WIDTH),
    told: page.told && again(page.told, WIDTH),
    lift: page.lift && again(page.lift, N_VOICES),
  };
}

/** A page while it is written, with its random numbers: `x` and `known` change. */
class Desk {
  /**
   * @param {Page} page
   * @param {Bundle} bundle
   * @param {number} hop steps from the beginning of a window to that of the next
   * @param {number} seed
   * @param {number} index
   * @param {number} temperature
   */
  constructor(page, bundle, hop, seed, index, temperature) {
    page = filled(page, bundle.steps);
    const steps = page.x.length / WIDTH, size = bundle.steps;
    const forZ = bundle.prior.nUniforms;
    const numbers = uniforms(seed, index, forZ + page.x.length);
    this.page = page;
    this.seed = seed;
    this.index = index;
    this.size = size;
    this.x = page.x.slice();
    this.known = page.known.slice();
    this.ofPrior = numbers.subarray(0, forZ);
    this.noise = numbers.subarray(forZ);
    if (page.lift && temperature) {
      page.lift.forEach((by, cell) => {
        this.noise[3 * cell] = lifted(this.noise[3 * cell], Math.fround(by / temperature));
      });
    }
    this.places = [];
    for (let begin = 0; begin < steps - size; begin += hop) {
      this.places.push(begin);
    }
    this.places.push(steps - size);
  }

  /**
   * What stands in the window that begins at a step.
   * @param {Float32Array} array `[T, 3V]`
   * @param {number} begin
   */
  window(array, begin) {
    return array.slice(begin * WIDTH, (begin + this.size) * WIDTH);
  }

  /**
   * @param {number} begin
   * @param {Float32Array} result `[T, 3V]`
   */
  write(begin, result) {
    this.x.set(result, begin * WIDTH);
    this.known.fill(1, begin * WIDTH, (begin + this.size) * WIDTH);
  }

  /** @param {number} begin */
  isKnown(begin) {
    return this.window(this.known, begin).every((known) => known !== 0);
  }

  /**
   * A standard normal draw for z, of each window and turn its own.
   * @param {number} begin
   * @param {number} turn
   * @param {number} latent
   */
  epsilon(begin, turn, latent) {
    const stream = Z_STREAM + begin * 256 + turn;
    return normals(uniforms(this.seed, this.index, latent + (latent % 2), stream));
  }
}

/**
 * What the model makes of some windows, `[T, 3V]` each; the desks stay as they are.
 * @param {Runtime} runtime
 * @param {{desk: Desk, begin: number}[]} windows
 * @param {Lesson} how
 * @param {number} temperature
 * @param {number} spread
 */
async function played(runtime, windows, how, temperature, spread) {
  const { bundle } = runtime;
  const x = windows.map(({ desk, begin }) => desk.window(desk.x, begin));
  const mask = windows.map(({ desk, begin }) => desk.window(desk.known, begin));
  const noise = windows.map(({ desk, begin }) => desk.window(desk.noise, begin));
  const known = x.map((window, row) => window.map((value, i) => value * mask[row][i]));
  const untold = windows.map(({ desk }) => !desk.page.told);
  let heard = windows.map(({ desk, begin }, row) =>
    desk.page.told ? desk.window(desk.page.told, begin) : known[row]);
  // Where nothing is known there is nothing to read; and a model that was taught no task takes
  // what is missing for silence, and so begins with any groove that goes on from what is known.
  const nothing = windows.map((_, row) => untold[row] && !mask[row].some((value) => value !== 0));
  const controls = controlsOf(bundle, how, x);
  for (let turn = 0; turn < how.rounds; turn++) {
    const { mu: z, sigma } = await runtime.encode(heard, controls);
    windows.forEach(({ desk, begin }, row) => {
      if (nothing[row] || (untold[row] && turn === 0 && how.rounds > 1)) {
        z[row] = bundle.prior.draw(desk.ofPrior);
      } else if (spread) {
        const epsilon = desk.epsilon(begin, turn, bundle.latent);
        z[row] = z[row].map((value, i) => {
          const deviation = Math.fround(Math.fround(spread) * sigma[row][i]);
          return value + Math.fround(deviation * epsilon[i]);
        });
      }
    });
    const decoded = await runtime.decode(z, noise, temperature, { known, mask, controls });
    heard = decoded.map((window, row) =>
      window.map((value, i) => (mask[row][i] === 1 ? x[row][i] : value)));
  }
  return heard;
}

/**
 * @param {Bundle} bundle
 * @param {Lesson} how
 * @param {Float32Array[]} x
 */
function controlsOf(bundle, { number }, x) {
  if (number !== null) return x.map(() => told(number, bundle.steps));
  if (!bundle.controls) return null;
  return x.map((window) => window.filter((_, i) => i % WIDTH < N_VOICES));
}

/**
 * A uniform number such that what is drawn where its log-odds exceed it has `by` more.
 * @param {number} uniform
 * @param {number} by
 */
function lifted(uniform, by) {
  const moved = 1 / (1 + (1 / uniform - 1) * Math.exp(by));
  return Math.min(1 - 2 ** -24, Math.max(2 ** -24, moved));
}
