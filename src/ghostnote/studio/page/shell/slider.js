/** A slider with its name and what it stands at. */

import { freshId, h } from "./dom.js";

/**
 * @typedef {object} Slider
 * @property {HTMLElement} root
 * @property {HTMLInputElement} input
 * @property {number} value setting it moves the slider, and calls nobody
 */

/**
 * @param {object} how
 * @param {string} how.name
 * @param {number} how.min
 * @param {number} how.max
 * @param {number} how.step
 * @param {number} how.value
 * @param {(value: number) => string} how.show the value as text, which screen readers tell too
 * @param {string} [how.title]
 * @param {(value: number) => void} [how.oninput] called while it moves
 * @param {(value: number) => void} [how.onchange] called when it has moved
 * @returns {Slider}
 */
export function slider({ name, min, max, step, value, show, title, oninput, onchange }) {
  const id = freshId();
  const input = h("input", { type: "range", id, min, max, step, value });
  const told = h("span", { class: "value", "aria-hidden": "true" });
  const shown = () => {
    told.textContent = show(input.valueAsNumber);
    input.setAttribute("aria-valuetext", told.textContent);
  };
  input.addEventListener("input", () => {
    shown();
    oninput?.(input.valueAsNumber);
  });
  input.addEventListener("change", () => onchange?.(input.valueAsNumber));
  shown();
  const root = h("div", { class: "field", title },
    h("div", { class: "name" }, h("label", { for: id, text: name }), told), input);
  return {
    root,
    input,
    get value() {
      return input.valueAsNumber;
    },
    set value(other) {
      input.valueAsNumber = other;
      shown();
    },
  };
}

/** @param {number} share */
export const percent = (share) => `${Math.round(100 * share)} %`;
