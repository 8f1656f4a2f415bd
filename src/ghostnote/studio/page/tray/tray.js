/** The kept loops, as every panel of a page sees them. */

import { Emitter } from "../state/emitter.js";
import { KEY, freeName, kept, readLoops, renamed, without, writeLoops } from "./store.js";

/** @import { Groove } from "../engine/types.js" */
/** @import { Studio } from "../state/studio.js" */
/** @import { Loop, Store } from "./store.js" */

/** @extends {Emitter<{change: Loop[]} & Record<string, unknown>>} */
export class Tray extends Emitter {
  /** @param {Store | null} store null where the browser allows none */
  constructor(store) {
    super();
    this.store = store;
    // Another page of the studio has changed the loops.
    addEventListener("storage", ({ key }) => {
      if (key === KEY || key === null) this.emit("change", this.loops);
    });
  }

  /** The newest first. */
  get loops() {
    return this.store ? readLoops(this.store) : [];
  }

  /**
   * @param {Groove} groove
   * @param {string} name
   * @returns {Loop} as it was kept, under a free name
   * @throws {import("../engine/problem.js").Problem} it could not be
   */
  keep(groove, name) {
    const loops = this.loops;
    const loop = { id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`,
      name: freeName(loops, name), groove };
    this.#write(kept(loops, loop));
    return loop;
  }

  /**
   * @param {string} id
   * @param {string} name
   */
  rename(id, name) {
    this.#write(renamed(this.loops, id, name));
  }

  /** @param {string} id */
  remove(id) {
    this.#write(without(this.loops, id));
  }

  /**
   * Puts a removed loop back where it was.
   *
   * @param {Loop} loop
   * @param {number} place
   */
  restore(loop, place) {
    this.#write(this.loops.toSpliced(place, 0, loop));
  }

  /** @param {Loop[]} loops */
  #write(loops) {
    writeLoops(this.store, loops);
    this.emit("change", loops);
  }
}

/** @type {WeakMap<Studio, Tray>} */
const trays = new WeakMap();

/**
 * The tray that belongs to a studio.
 *
 * @param {Studio} studio
 */
export function trayOf(studio) {
  const tray = trays.get(studio) ?? new Tray(storage());
  trays.set(studio, tray);
  return tray;
}

function storage() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
