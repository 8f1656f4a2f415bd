/** Model bundles, as `bundle.py`: a folder on the web host, whose files come when they are needed. */

import { refused } from "./errors.js";
import { Prior } from "./latent.js";
import { stepsPerBar } from "./music/groove.js";
import { N_VOICES } from "./music/kit.js";
import { readTensors } from "./safetensors.js";

/** @import { Meter } from "./music/groove.js" */
/** @import { Task } from "./music/tasks.js" */
/** @import { Tensor } from "./safetensors.js" */

/** The bundle that is used where none is named. */
export const DEFAULT = "groove-4bar";

export const CONFIG = "config.json";
export const LATENT = "latent.safetensors";
export const ENCODER = "encoder.onnx";
export const DECODER = "decoder.onnx";
export const SCORER = "scorer.onnx";

/** The style of all styles. */
const ANY = "any";
/** The largest amount that a direction can be gone: farther out, no groove has ever been. */
const LARGEST = 6;

/**
 * @typedef {object} Part part of the training data
 * @property {"style" | "beat_type" | "bpm"} kind
 * @property {string | [low: number, high: number]} value
 */

/**
 * @typedef {object} Config what is used of `config.json`
 * @property {string} name
 * @property {{bars: number, latent: number, voices?: number, controls?: number,
 *   head?: {kind: string}}} model
 * @property {Meter} meter
 * @property {Task} [task]
 * @property {{temperature: number, bpm: number, timing?: number}} sampling
 * @property {Part[]} [parts]
 * @property {string[]} [attributes]
 * @property {Record<string, string>} files
 */

export class Bundle {
  /**
   * @param {Config} config
   * @param {Map<string, Tensor>} latent what is in `LATENT`
   */
  constructor(config, latent) {
    this.config = config;
    this.tensors = latent;
    this.name = config.name;
    this.bars = config.model.bars;
    this.meter = config.meter;
    this.steps = this.bars * stepsPerBar(this.meter);
    this.latent = config.model.latent;
    this.voices = config.model.voices ?? N_VOICES;
    this.controls = config.model.controls ?? 0;
    this.task = config.task ?? { kind: "identity" };
    this.temperature = config.sampling.temperature;
    this.bpm = config.sampling.bpm;
    /** How much of its likeliest timing a model that humanises plays. */
    this.timing = config.sampling.timing ?? 1;
    this.parts = config.parts ?? [];
    if (this.voices !== N_VOICES) {
      throw refused(`${this.name} has classes of its own`, "use a model of nine voices");
    }
    /** What the hits of the training windows hash to, sorted. */
    this.trainingFingerprints = new BigUint64Array(this.#tensor("training.fingerprints"));
    /** Where z is drawn from. */
    this.prior = new Prior(
      this.#floats("prior.weights"), this.#rows("prior.means"), this.#rows("prior.factors"),
    );
  }

  /**
   * @param {{read(name: string): Promise<ArrayBuffer>}} folder
   */
  static async load(folder) {
    const [config, latent] = await Promise.all([folder.read(CONFIG), folder.read(LATENT)]);
    return new Bundle(JSON.parse(new TextDecoder().decode(config)), readTensors(latent));
  }

  /**
   * Where z of the training data's grooves is that are of this style, beat type and tempo.
   * @param {{style?: string | null, beatType?: string | null, bpm?: number | null}} of
   */
  priorOf({ style = ANY, beatType, bpm }) {
    if (!this.parts.length) {
      throw refused(
        `${this.name} does not know the styles, beat types and tempos of its training data`,
        "use another model",
      );
    }
    const rows = style === ANY || style == null ? [] : [this.#part("style", style)];
    if (beatType != null) rows.push(this.#part("beat_type", beatType));
    if (bpm != null) {
      this.parts.forEach(({ value }, row) => {
        if (Array.isArray(value) && value[0] <= bpm && bpm < value[1]) rows.push(row);
      });
    }
    const weights = this.#rows("parts.weights"), shifts = this.#rows("parts.shifts");
    return this.prior.narrowed(rows.map((row) => ({ share: weights[row], apart: shifts[row] })));
  }

  /**
   * @param {Part["kind"]} kind
   * @param {string} value
   */
  #part(kind, value) {
    const row = this.parts.findIndex((part) => part.kind === kind && part.value === value);
    if (row >= 0) return row;
    const known = this.parts.flatMap((part) => (part.kind === kind ? [`${part.value}`] : []));
    const choices = [...(kind === "style" ? [ANY] : []), ...known.sort()];
    throw refused(
      `${this.name} knows no ${kind.replace("_", " ")} '${value}'`, `one of: ${choices.join(", ")}`,
    );
  }

  /**
   * What is added to z, `[Z]`, for an amount of an attribute, in standard deviations.
   * @param {string} name
   * @param {number} amount
   */
  shift(name, amount) {
    const names = this.config.attributes ?? [];
    const row = names.indexOf(name);
    if (row < 0) {
      throw refused(
        `${this.name} has no direction '${name}'`,
        names.length ? `one of: ${names.join(", ")}` : "use groove-4bar, or fit one",
      );
    }
    if (!(Math.abs(amount) <= LARGEST)) {
      throw refused(
        `${name} cannot be moved by ${amount}`,
        `${-LARGEST} to ${LARGEST}; real grooves are mostly in -2 to 2`,
      );
    }
    const reach = this.#rows("attribute.reach")[row][amount > 0 ? 1 : 0];
    const length = Math.fround(amount * reach);
    return this.#rows("attribute.vectors")[row].map((value) => length * value);
  }

  /** @param {string} name */
  #tensor(name) {
    const found = this.tensors.get(name);
    if (!found) throw refused(`${this.name} lacks ${name}`, "export the bundle again");
    return /** @type {any} */ (found.data);
  }

  /** @param {string} name @returns {Float32Array} */
  #floats(name) {
    return this.#tensor(name);
  }

  /** The rows of a tensor, each flat. @param {string} name */
  #rows(name) {
    const flat = this.#floats(name);
    const n = this.tensors.get(name)?.shape[0] ?? 0;
    const size = flat.length / n;
    return Array.from({ length: n }, (_, row) => flat.subarray(row * size, (row + 1) * size));
  }
}
