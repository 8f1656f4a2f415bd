/** Sliders that move a groove along its attributes. */

import { h } from "../shell/dom.js";
import { slider } from "../shell/slider.js";

/** @import { Groove } from "../engine/types.js" */
/** @import { Slider } from "../shell/slider.js" */
/** @import { Studio } from "../state/studio.js" */
/** @import { Maker } from "./maker.js" */

/** What a slider does, from its left end to its right. @type {Record<string, string>} */
const MEANINGS = {
  density: "fewer or more hits",
  syncopation: "on the beat or off it",
  swing: "even or swung",
  dynamics: "level or lively",
  "laid-back": "pushing or laid back",
  openness: "hats closed or open",
  fill: "steady, or as a fill",
};

let bases = 0;

/**
 * The sliders start at 0 for every groove, and move the one that they started with.
 * @param {Studio} studio
 * @param {Maker} maker
 * @param {string[]} names
 * @param {() => number | null} temperature
 * @returns {HTMLElement}
 */
export function shapeSliders(studio, maker, names, temperature) {
  /** @type {Map<string, Slider>} */
  const sliders = new Map();
  /** @type {{groove: Groove, merge: string} | null} */
  let base = null;
  let mine = false;

  const move = async () => {
    base ??= { groove: studio.groove, merge: `shape ${++bases}` };
    const amounts = Object.fromEntries(
      [...sliders].flatMap(([name, { value }]) => (value === 0 ? [] : [[name, value]])));
    const told = Object.entries(amounts).map(([name, value]) => `${name} ${signed(value)}`);
    const { groove, merge } = base;
    mine = true;
    try {
      if (told.length) {
        await maker.make({
          label: `Shape: ${told.join(", ")}`,
          merge,
          ask: async (_, seed, engine, signal) => (await engine.call("attribute",
            { groove, amounts, seed, temperature: temperature() }, { signal })).groove,
        }, groove);
      } else {
        studio.set(groove, { label: "Shape: as it was", merge });
      }
    } finally {
      mine = false;
    }
  };
  for (const name of names) {
    sliders.set(name, slider({
      name: name[0].toUpperCase() + name.slice(1), title: MEANINGS[name],
      min: -2, max: 2, step: 0.25, value: 0, show: signed, onchange: () => void move(),
    }));
  }
  studio.on("change", ({ before, after }) => {
    if (mine || before.groove.hits === after.groove.hits) return;
    base = null;
    for (const each of sliders.values()) each.value = 0;
  });
  return h("div", { class: "shape", role: "group", "aria-label": "Shape" },
     ...[...sliders.values()].map(({ root }) => root));
}

/** @param {number} value */
const signed = (value) => (value > 0 ? `+${value}` : value < 0 ? `−${-value}` : "0");
