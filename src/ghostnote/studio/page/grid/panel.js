/** The groove as a grid: 9 voices by as many steps as there is room for. */

import { hitAt } from "../state/groove.js";
import { counted, h } from "../shell/dom.js";
import { cellName, clear } from "./edits.js";
import { mountKeys } from "./keys.js";
import { mountPlayhead } from "./playhead.js";
import { mountPointer } from "./pointer.js";
import { Sheet } from "./sheet.js";
import { mountWindow } from "./window.js";

/** @import { Studio } from "../state/studio.js" */
/** @import { Tool } from "./pointer.js" */

/** @type {[Tool, string, string][]} */
const TOOLS = [
  ["draw", "Draw", "Click to set or clear, drag to paint, up and down for loudness"],
  ["velocity", "Loudness", "Drag up and down"],
  ["timing", "Timing", "Drag sideways: left is early, right is late"],
];

const KEYS = "Arrows move, Space sets or clears, plus and minus for loudness, less and greater for " +
  "timing, M mute, S solo, L lock.";

/**
 * @param {HTMLElement} root
 * @param {Studio} studio
 */
export function mount(root, studio) {
  const sheet = new Sheet(studio);
  const { controls, reveal, follow } = mountWindow(sheet, studio);
  const [tabs, following, crop] = controls;
  const tools = toolChoice((tool) => {
    sheet.root.dataset.tool = tool;
  });
  const facts = h("p", { class: "hint facts" });
  const wipe = h("button", { type: "button", text: "Clear", title: "Clear what is not locked",
    onclick: () => clear(studio) });
  root.append(
    h("div", { class: "grid-head" },
      h("h2", { text: "Groove" }), facts, tabs, following, h("span", { class: "space" }),
      tools.root, crop, wipe),
    sheet.root,
    h("p", { class: "unseen", id: "grid-keys", text: KEYS }));

  const pointer = mountPointer(sheet, studio, tools.chosen);
  mountKeys(sheet, studio, reveal);
  mountPlayhead(sheet, studio, (step) => {
    // Whoever is at work in the grid keeps the bars in view.
    if (!pointer.dragging && !sheet.body.contains(document.activeElement)) follow(step);
  });
  mountFacts(sheet, studio, pointer, facts);
}

/**
 * @param {(tool: Tool) => void} changed
 * @returns {{root: HTMLElement, chosen: () => Tool}}
 */
function toolChoice(changed) {
  /** @type {Tool} */
  let chosen = "draw";
  const root = h("div", { class: "segments", role: "radiogroup", "aria-label": "Tool" },
    ...TOOLS.map(([name, label, title]) => {
      const input = h("input", { type: "radio", name: "tool", value: name, class: "unseen" });
      input.defaultChecked = name === chosen;
      input.addEventListener("change", () => {
        chosen = name;
        changed(name);
      });
      return h("label", { title }, input, h("span", { text: label }));
    }));
  return { root, chosen: () => chosen };
}

/**
 * Tells the cell under the pointer; or else how long the groove is, and how full.
 * @param {Sheet} sheet
 * @param {Studio} studio
 * @param {{readonly dragging: boolean}} pointer
 * @param {HTMLElement} place
 */
function mountFacts(sheet, studio, pointer, place) {
  /** @type {{step: number, voice: number} | null} */
  let pointed = null;

  const tell = () => {
    const { bars, meter, hits } = studio.groove;
    if (pointed) {
      const { step, voice } = pointed;
      place.textContent = cellName(step, voice, sheet.perBar, hitAt(studio.groove, step, voice));
      return;
    }
    const of = meter.join() === "4,4" ? "" : ` of ${meter[0]}/${meter[1]}`;
    place.textContent = `${counted(bars, "bar")}${of}, ${counted(hits.length, "hit")}`;
  };

  sheet.body.addEventListener("pointermove", (event) => {
    if (pointer.dragging) return;
    const cell = sheet.cellOf(event.target);
    if (cell?.step === pointed?.step && cell?.voice === pointed?.voice) return;
    pointed = cell;
    tell();
  });
  sheet.body.addEventListener("pointerleave", () => {
    pointed = null;
    tell();
  });
  studio.on("change", tell);
  tell();
}
