/** The groove as a grid: 9 voices by as many steps as there is room for. */

import { hitAt, stepsOf } from "../state/groove.js";
import { counted, h } from "../shell/dom.js";
import { cellName, clear, crop } from "./edits.js";
import { mountKeys } from "./keys.js";
import { mountPlayhead } from "./playhead.js";
import { mountPointer } from "./pointer.js";
import { Sheet } from "./sheet.js";

/** @import { Studio } from "../state/studio.js" */
/** @import { Tool } from "./pointer.js" */

/** @type {[Tool, string, string][]} */
const TOOLS = [
  ["draw", "Draw", "Click to set or clear, drag to paint, up and down for loudness"],
  ["velocity", "Loudness", "Drag up and down"],
  ["timing", "Timing", "Drag sideways: left is early, right is late"],
];

/**
 * @param {HTMLElement} root
 * @param {Studio} studio
 */
export function mount(root, studio) {
  const sheet = new Sheet(studio);
  /** @type {Tool} */
  let tool = "draw";
  let following = true;

  const tools = h("div", { class: "segments", role: "radiogroup", "aria-label": "Tool" },
    ...TOOLS.map(([name, label, title]) => {
      const input = h("input", { type: "radio", name: "tool", value: name, class: "unseen" });
      input.defaultChecked = name === tool;
      input.addEventListener("change", () => {
        tool = name;
        sheet.root.dataset.tool = name;
      });
      return h("label", { title }, input, h("span", { text: label }));
    }));
  const tabs = h("div", { class: "bar-tabs", role: "group", "aria-label": "Bars shown" });
  const follow = h("button", { type: "button", class: "plain", "aria-pressed": "true",
    title: "Show the bars that play", text: "Follow", onclick: () => {
      following = !following;
      follow.setAttribute("aria-pressed", String(following));
    } });
  const only = h("button", { type: "button", text: "Crop", title: "Keep the bars that are shown alone",
    onclick: () => crop(studio, sheet.view.first, sheet.view.bars) });
  const facts = h("p", { class: "hint facts" });
  /** The cell under the pointer. @type {{step: number, voice: number} | null} */
  let pointed = null;
  root.append(
    h("div", { class: "grid-head" },
      h("h2", { text: "Groove" }), facts, tabs, follow, h("span", { class: "space" }), tools, only,
      h("button", { type: "button", text: "Clear", title: "Clear what is not locked",
        onclick: () => clear(studio) })),
    sheet.root,
    h("p", { class: "unseen", id: "grid-keys", text:
      "Arrows move, Space sets or clears, plus and minus for loudness, less and greater for timing, " +
      "M mute, S solo, L lock." }));

  const phone = matchMedia("(max-width: 639px)");
  const tablet = matchMedia("(max-width: 899px)");
  const room = () => (phone.matches ? 1 : tablet.matches ? 2 : 4);

  /** @param {number} bar shown afterwards */
  const reveal = (bar) => {
    const { bars } = studio.groove;
    const shown = Math.min(room(), bars);
    // Whole windows, of which the last may reach back.
    const first = Math.max(0, Math.min(Math.floor(bar / shown) * shown, bars - shown));
    if (first !== sheet.view.first || shown !== sheet.view.bars || !sheet.columns) {
      sheet.show({ first, bars: shown });
    }
    showTabs();
  };

  const showTabs = () => {
    const { bars } = studio.groove;
    const { first, bars: shown } = sheet.view;
    const count = Math.ceil(bars / shown);
    tabs.hidden = follow.hidden = only.hidden = count < 2;
    while (tabs.childElementCount > count) tabs.lastElementChild?.remove();
    while (tabs.childElementCount < count) {
      const place = tabs.childElementCount;
      tabs.append(h("button", { type: "button", onclick: () => reveal(place * sheet.view.bars) }));
    }
    [...tabs.children].forEach((tab, place) => {
      const from = Math.max(0, Math.min(place * shown, bars - shown));
      const label = shown === 1 ? `${from + 1}` : `${from + 1}–${from + shown}`;
      if (tab.textContent !== label) {
        tab.textContent = label;
        tab.setAttribute("aria-label", shown === 1 ? `Bar ${label}` : `Bars ${label}`);
      }
      tab.setAttribute("aria-pressed", String(from === first));
    });
  };

  const tell = () => {
    const { bars, meter, hits } = studio.groove;
    if (pointed) {
      const { step, voice } = pointed;
      facts.textContent = cellName(step, voice, sheet.perBar, hitAt(studio.groove, step, voice));
      return;
    }
    const of = meter[0] === 4 && meter[1] === 4 ? "" : ` of ${meter[0]}/${meter[1]}`;
    facts.textContent = `${counted(bars, "bar")}${of}, ${counted(hits.length, "hit")}`;
  };

  const pointer = mountPointer(sheet, studio, () => tool);
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
  mountKeys(sheet, studio, reveal);
  mountPlayhead(sheet, studio, (step) => {
    // Whoever is at work in the grid keeps the bars in view.
    const working = pointer.dragging || sheet.body.contains(document.activeElement);
    if (following && !working && step < stepsOf(studio.groove)) {
      reveal(Math.floor(step / sheet.perBar));
    }
  });

  studio.on("change", ({ before, after }) => {
    const same = before.groove.bars === after.groove.bars &&
      before.groove.meter.join() === after.groove.meter.join();
    if (same) {
      sheet.update();
    } else {
      const { first } = sheet.view;
      sheet.show({ first: 0, bars: Math.min(room(), after.groove.bars) });
      reveal(Math.min(first, after.groove.bars - 1));
    }
    tell();
  });
  for (const query of [phone, tablet]) {
    query.addEventListener("change", () => reveal(sheet.view.first));
  }
  sheet.root.dataset.tool = tool;
  reveal(0);
  tell();
}
