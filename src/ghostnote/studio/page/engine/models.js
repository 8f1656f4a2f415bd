/** The models of a folder, as `studio/models.py`: loaded when they are first used. */

import { Bundle } from "./bundle.js";
import { refused } from "./errors.js";
import { Runtime } from "./runtime.js";

/** @import { Graph } from "./runtime.js" */
/** @import { Kit, ModelInfo, StyleMap } from "./types.js" */
/** @import { Plane } from "./pipeline/map.js" */

/**
 * What `studio.json` says of a folder.
 * @typedef {object} Manifest
 * @property {string} version
 * @property {ModelInfo[]} models
 * @property {Kit} kit
 * @property {Record<string, string>} files the folder of each model
 */

/**
 * Where files come from, and what runs graphs.
 * @typedef {object} Host
 * @property {(path: string) => Promise<ArrayBuffer>} read a file of the studio's folder
 * @property {(graph: ArrayBuffer) => Promise<Graph>} graph
 * @property {() => Promise<void>} before is called before each batch, and stops by throwing
 */

const MANIFEST = "studio.json";
const PLANE = "map.json";

export class Models {
  /** @type {Map<string, Promise<any>>} */
  #loaded = new Map();

  /** @param {Host} host */
  constructor(host) {
    this.host = host;
  }

  /** @returns {Promise<Manifest>} */
  get manifest() {
    return this.#json(MANIFEST);
  }

  /**
   * The model called `name`, by default the one that `verb` is done with.
   * @param {string} verb
   * @param {string | null} [name]
   * @returns {Promise<Runtime>}
   */
  async runtime(verb, name) {
    const folder = await this.#folder(verb, name);
    return this.#once(`${folder}/`, async () => {
      const bundle = await Bundle.load({ read: (file) => this.host.read(`${folder}/${file}`) });
      return new Runtime(
        bundle,
        async (file) => this.host.graph(await this.host.read(`${folder}/${file}`)),
        this.host.before,
      );
    });
  }

  /**
   * The map of a model's styles.
   * @param {string} verb
   * @param {string | null} [name]
   * @returns {Promise<StyleMap & Plane>}
   */
  async plane(verb, name) {
    return this.#json(`${await this.#folder(verb, name)}/${PLANE}`);
  }

  /**
   * @param {string} verb
   * @param {string | null} [name]
   */
  async #folder(verb, name) {
    const { models, files } = await this.manifest;
    const chosen = name ?? models.find((model) => model.default_for.includes(verb))?.name ?? "";
    if (!Object.hasOwn(files, chosen)) {
      const known = Object.keys(files).join(", ");
      throw refused(`there is no model '${chosen}'`, `one of: ${known}`);
    }
    return files[chosen];
  }

  /** @param {string} path */
  #json(path) {
    return this.#once(path, async () =>
      JSON.parse(new TextDecoder().decode(await this.host.read(path))));
  }

  /**
   * @template T
   * @param {string} key
   * @param {() => Promise<T>} make
   * @returns {Promise<T>}
   */
  #once(key, make) {
    let found = this.#loaded.get(key);
    if (!found) {
      found = make();
      this.#loaded.set(key, found);
      // What failed to come may come another time.
      found.catch(() => this.#loaded.delete(key));
    }
    return found;
  }
}
