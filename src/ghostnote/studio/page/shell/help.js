/** What the page can do, and its keys. */

import { h, icon } from "./dom.js";
import { letters } from "./shortcuts.js";

/** @type {[title: string, rows: [keys: string[], what: string][]][]} */
const KEYS = [
  ["Everywhere", [
    [["P"], "play or stop; so does Space where it presses nothing else"],
    [["N"], "a new beat"],
    [["V"], "vary the beat"],
    [["W"], "write the rest around what is locked"],
    [["H"], "humanise"],
    [["T"], "tap a rhythm: then Space is the pad"],
    [["R"], "again, with the seed that is shown"],
    [["Ctrl", "Z"], "undo"],
    [["Ctrl", "Shift", "Z"], "redo"],
    [["Esc"], "stop what is being made"],
    [["?"], "this help"],
  ]],
  ["In the grid", [
    [["←", "→", "↑", "↓"], "go to another cell"],
    [["Home", "End"], "first or last step of the bar"],
    [["Page Up", "Page Down"], "the bar before or after"],
    [["Space"], "set or clear a hit"],
    [["+", "−"], "louder or softer"],
    [["<", ">"], "earlier or later"],
    [["M"], "mute the voice"],
    [["S"], "solo the voice"],
    [["L"], "lock the voice"],
    [["Shift", "L"], "lock the bar"],
  ]],
];

/** @returns {HTMLDialogElement} */
export function helpDialog() {
  const single = h("input", { type: "checkbox" });
  const dialog = h(
    "dialog", { class: "help", "aria-labelledby": "help-title" },
    h("div", { class: "help-head" },
      h("h2", { id: "help-title", text: "Keys and help" }),
      h("button", { class: "plain", type: "button", "aria-label": "Close",
        onclick: () => dialog.close() }, icon("close"))),
    h("p", { class: "help-text", text:
      "Click a cell to set or clear a hit. Drag along a row to paint or to wipe, up and down to " +
      "play louder or softer. Hold Alt and drag sideways to play it earlier or later; on a touch " +
      "screen, choose Loudness or Timing above the grid. What is locked stays as it is, whatever " +
      "you create. Every step can be undone, and a seed brings a beat back." }),
    h("div", { class: "help-keys" }, ...KEYS.map(([title, rows]) =>
      h("section", {},
        h("h3", { text: title }),
        h("dl", {}, ...rows.flatMap(([keys, what]) => [
          h("dt", {}, ...keys.map((key) => h("kbd", { text: key }))),
          h("dd", { text: what }),
        ]))))),
    h("label", { class: "check" }, single, "Letters are shortcuts"),
  );
  single.defaultChecked = letters.on;
  single.addEventListener("change", () => {
    letters.on = single.checked;
  });
  return dialog;
}
