/** The seed of what comes next, or of what was made last. */

import { freshId, h, icon } from "../shell/dom.js";
import { freshSeed } from "./maker.js";

/**
 * @typedef {object} SeedField
 * @property {HTMLElement} root
 * @property {() => number} next the seed to use now: the one that is held, or a new one
 * @property {() => number} value the seed that is shown
 * @property {(seed: number, hold?: boolean) => void} show
 */

/**
 * @param {() => void} again
 * @returns {SeedField}
 */
export function seedField(again) {
  const id = freshId();
  const input = h("input", { type: "text", id, inputmode: "numeric", autocomplete: "off",
    spellcheck: "false", class: "seed", "aria-describedby": `${id}-hint` });
  const hold = h("button", { type: "button", class: "plain", "aria-pressed": "false",
    "aria-label": "Hold the seed", title: "Hold the seed: use this one for what comes next" },
    icon("lock"));
  let shown = freshSeed();

  /** @param {boolean} on */
  const held = (on) => hold.setAttribute("aria-pressed", String(on));
  const isHeld = () => hold.getAttribute("aria-pressed") === "true";
  /** @param {number} seed */
  const show = (seed) => {
    shown = seed;
    input.value = String(seed);
  };
  input.addEventListener("change", () => {
    const seed = Number(input.value.trim());
    const valid = /^\d+$/.test(input.value.trim()) && Number.isSafeInteger(seed);
    show(valid ? seed : shown);
    if (valid) held(true);
  });
  hold.addEventListener("click", () => held(!isHeld()));
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    input.dispatchEvent(new Event("change"));
    again();
  });
  show(shown);

  const repeat = h("button", { type: "button", "data-shortcut": "again", onclick: again,
    title: "The last action once more, with this seed (R)" }, icon("again"), "Again");
  return {
    root: h("div", { class: "seed-field" },
      h("label", { for: id, text: "Seed" }), input, hold, repeat,
      h("span", { class: "unseen", id: `${id}-hint`,
        text: "A whole number. The same seed makes the same beat." })),
    next: () => {
      if (!isHeld()) show(freshSeed());
      return shown;
    },
    value: () => shown,
    show: (seed, hold) => {
      show(seed);
      if (hold !== undefined) held(hold);
    },
  };
}
