/** Running a bundle's graphs, as `runtime.py`, with onnxruntime-web. Windows are `[T, 3V]` each. */

import { DECODER, ENCODER, SCORER } from "./bundle.js";
import { general, refused } from "./errors.js";
import { Groove } from "./music/groove.js";
import { N_VOICES } from "./music/kit.js";
import { WIDTH } from "./music/tasks.js";
import { sha256 } from "./random/sha256.js";

/** @import { Bundle } from "./bundle.js" */

/**
 * A graph that is loaded: arrays by name, each with its shape → arrays by name.
 * @typedef {(inputs: Record<string, {data: Float32Array, shape: number[]}>) =>
 *   Promise<Record<string, Float32Array>>} Graph
 */

/** Windows that go through a graph at once: few, since work can be stopped only between batches. */
const BATCH = 16;

export class Runtime {
  /** @type {Map<string, Promise<Graph>>} */
  #graphs = new Map();

  /**
   * @param {Bundle} bundle
   * @param {(name: string) => Promise<Graph>} load a graph of the bundle
   * @param {() => Promise<void>} before is called before each batch, and stops by throwing
   */
  constructor(bundle, load, before) {
    this.bundle = bundle;
    this.load = load;
    this.before = before;
  }

  /**
   * Windows → μ and σ of their posteriors, `[Z]` each.
   * @param {Float32Array[]} x
   * @param {Float32Array[] | null} [controls]
   */
  async encode(x, controls = null) {
    const [mu, sigma] = await this.#run(
      ENCODER, ["mu", "sigma"], { x: [x, WIDTH], ...this.#controls(controls) },
    );
    return { mu, sigma };
  }

  /**
   * Latents → windows.
   * @param {Float32Array[]} z `[Z]` each
   * @param {Float32Array[]} noise `[T, V, 3]` each
   * @param {number} temperature
   * @param {{known?: Float32Array[], mask?: Float32Array[], controls?: Float32Array[] | null}}
   *   [given]
   */
  async decode(z, noise, temperature, { known, mask, controls = null } = {}) {
    if (!(temperature >= 0 && temperature <= 10)) {
      throw refused(`temperature ${general(temperature)} is not in 0 to 10`);
    }
    const nothing = known && mask ? null : new Float32Array(this.bundle.steps * WIDTH);
    const silence = nothing ? z.map(() => nothing) : [];
    const [x] = await this.#run(DECODER, ["x"], {
      z: [z, 0],
      noise: [noise, 3],
      known: [nothing || !known ? silence : known, WIDTH],
      mask: [nothing || !mask ? silence : mask, WIDTH],
      ...this.#controls(controls),
    }, { temperature: { data: Float32Array.of(temperature), shape: [] } });
    return x;
  }

  /**
   * The log-likelihood of windows given z, in nats: of hits, velocity, offset, `[T, V]` each.
   * @param {Float32Array[]} x
   * @param {Float32Array[]} z
   * @param {Float32Array[] | null} [controls]
   */
  async score(x, z, controls = null) {
    if (!(SCORER in this.bundle.config.files)) {
      throw refused(`${this.bundle.name}: has no ${SCORER}`, "use another model");
    }
    const [hits, velocity, offset] = await this.#run(
      SCORER, ["hits", "velocity", "offset"],
      { x: [x, WIDTH], z: [z, 0], ...this.#controls(controls) },
    );
    return { hits, velocity, offset };
  }

  /**
   * @param {Float32Array[] | null} controls
   * @returns {Record<string, [Float32Array[], number]>}
   */
  #controls(controls) {
    if (!this.bundle.controls) return {};
    if (!controls) {
      throw refused(
        `${this.bundle.name} has to be told the hits, and plays them`,
        "give it a groove: ghostnote reconstruct",
      );
    }
    return { controls: [controls, this.bundle.controls] };
  }

  /**
   * Rows through a graph, batch by batch.
   * @param {string} name
   * @param {string[]} outputs
   * @param {Record<string, [rows: Float32Array[], width: number]>} inputs a row is `[T, width]`, or
   *   where the width is 3 `[T, V, 3]`, or where it is 0 flat
   * @param {Record<string, {data: Float32Array, shape: number[]}>} [scalars]
   * @returns {Promise<Float32Array[][]>} the rows of each output
   */
  async #run(name, outputs, inputs, scalars = {}) {
    const graph = await this.#graph(name);
    const total = Object.values(inputs)[0][0].length;
    /** @type {Float32Array[][]} */
    const results = outputs.map(() => []);
    for (let start = 0; start < total; start += BATCH) {
      await this.before();
      /** @type {Record<string, {data: Float32Array, shape: number[]}>} */
      const feeds = { ...scalars };
      for (const [key, [rows, width]] of Object.entries(inputs)) {
        feeds[key] = stacked(rows.slice(start, start + BATCH), width);
      }
      const given = await graph(feeds);
      const n = Math.min(BATCH, total - start);
      outputs.forEach((key, number) => {
        const size = given[key].length / n;
        for (let row = 0; row < n; row++) {
          results[number].push(given[key].slice(row * size, (row + 1) * size));
        }
      });
    }
    return results;
  }

  /** @param {string} name */
  #graph(name) {
    let graph = this.#graphs.get(name);
    if (!graph) {
      graph = this.load(name);
      this.#graphs.set(name, graph);
      // What failed to come may come another time.
      graph.catch(() => this.#graphs.delete(name));
    }
    return graph;
  }
}

/**
 * @param {Float32Array[]} rows
 * @param {number} width
 */
function stacked(rows, width) {
  const size = rows[0].length;
  const data = new Float32Array(rows.length * size);
  rows.forEach((row, index) => data.set(row, index * size));
  if (width === 0) return { data, shape: [rows.length, size] };
  if (width === 3) return { data, shape: [rows.length, size / 3 / N_VOICES, N_VOICES, 3] };
  return { data, shape: [rows.length, size / width, width] };
}

/**
 * 64 bits that stand for the hits of a window: the start of their sha256.
 * @param {Float32Array} x
 */
export function fingerprint(x) {
  const packed = new Uint8Array(Math.ceil(((x.length / WIDTH) * N_VOICES) / 8));
  let bit = 0;
  for (let at = 0; at < x.length; at += WIDTH) {
    for (let voice = 0; voice < N_VOICES; voice++, bit++) {
      if (x[at + voice] > 0.5) packed[bit >> 3] |= 0x80 >> (bit & 7);
    }
  }
  return new DataView(sha256(packed).buffer).getBigUint64(0, true);
}

/**
 * A groove as the models take it: hits | velocity | offset, `[T, 3V]`.
 * @param {Groove} groove
 */
export function toX({ hits, velocity, offset, steps }) {
  const x = new Float32Array(steps * WIDTH);
  for (let step = 0; step < steps; step++) {
    const [from, to] = [step * N_VOICES, (step + 1) * N_VOICES];
    [hits, velocity, offset].forEach((part, number) => {
      x.set(part.subarray(from, to), step * WIDTH + number * N_VOICES);
    });
  }
  return x;
}

/**
 * `[T, 3V]` as a groove in the bundle's meter.
 * @param {Float32Array} x
 * @param {Bundle} bundle
 * @param {number} bpm
 */
export function fromX(x, { meter }, bpm) {
  const [hits, velocity, offset] = [0, 1, 2].map((part) =>
    x.filter((_, at) => Math.floor((at % WIDTH) / N_VOICES) === part));
  const played = Uint8Array.from(hits, (value) => (value > 0.5 ? 1 : 0));
  return Groove.fromCells(played, velocity, offset, { bpm, meter });
}
