/** Undo, redo, light or dark, help. */

import { h, icon } from "./dom.js";
import { helpDialog } from "./help.js";

/** @import { Studio } from "../state/studio.js" */

const KEY = "ghostnote-theme";

/** @param {Studio} studio */
export function mountTools(studio) {
  const undo = tool("undo", "Undo", () => studio.undo());
  const redo = tool("redo", "Redo", () => studio.redo());
  const theme = tool("theme", "Light or dark", changeTheme);
  const help = helpDialog();
  const ask = tool("help", "Keys and help", () => help.showModal());
  ask.dataset.shortcut = "help";
  document.getElementById("tools")?.append(undo, redo, theme, ask);
  document.body.append(help);

  const show = () => {
    showStep(undo, "Undo", studio.undoable?.label);
    showStep(redo, "Redo", studio.redoable?.label);
  };
  studio.on("change", show);
  show();
}

/**
 * @param {HTMLButtonElement} button
 * @param {string} verb
 * @param {string} [label]
 */
function showStep(button, verb, label) {
  button.disabled = label === undefined;
  button.title = label === undefined ? verb : `${verb}: ${label}`;
  button.setAttribute("aria-label", button.title);
}

/**
 * @param {Parameters<typeof icon>[0]} name
 * @param {string} label
 * @param {() => void} onclick
 */
const tool = (name, label, onclick) =>
  h("button", { class: "plain", type: "button", title: label, "aria-label": label, onclick },
    icon(name));

function changeTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem(KEY, root.dataset.theme);
  } catch {
    // Storage can be forbidden; then the choice lasts until the page is left.
  }
}
