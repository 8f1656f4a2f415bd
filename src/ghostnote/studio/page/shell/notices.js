/** Errors with their remedy, what is being made, and what screen readers are told. */

import { h, icon } from "./dom.js";

/** @import { Engine } from "../engine/types.js" */
/** @import { Studio } from "../state/studio.js" */
/** @import { Problem } from "../engine/problem.js" */

const SHOWN_MS = 12_000;
const MOST = 3;
/** What takes less than this need not be announced. */
const PATIENCE_MS = 400;

/** @param {Studio} studio */
export function mountNotices(studio) {
  const list = /** @type {HTMLElement} */ (document.getElementById("notices"));
  const status = /** @type {HTMLElement} */ (document.getElementById("status"));
  let patience = 0;

  studio.on("error", (problem) => {
    while (list.childElementCount >= MOST) list.firstElementChild?.remove();
    list.append(notice(problem));
  });
  studio.on("say", (text) => {
    status.textContent = text;
  });
  studio.on("busy", (label) => {
    clearTimeout(patience);
    if (label !== null) patience = setTimeout(() => studio.say(`${label} …`), PATIENCE_MS);
    document.documentElement.toggleAttribute("data-busy", label !== null);
  });
}

/**
 * Shows how much of the models has come, where the engine has to fetch them.
 * @param {Engine} engine
 * @param {HTMLElement} [place]
 */
export function mountProgress(engine, place = document.body) {
  if (!("onprogress" in engine)) return;
  const bar = h("progress", { "aria-label": "Models fetched" });
  const told = h("span");
  const root = h("div", { class: "loading", hidden: true }, told, bar);
  place.append(root);
  engine.onprogress = ({ loaded, total }) => {
    [bar.value, bar.max] = [loaded, total];
    told.textContent = `Fetching the models: ${megabytes(loaded)} of ${megabytes(total)} MB`;
    root.hidden = loaded >= total;
  };
}

/** @param {number} bytes */
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

/**
 * Reasons and remedies are written to follow a name or a colon.
 * @param {string} text
 */
const sentence = (text) =>
  text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");

/** @param {Problem} problem */
function notice({ title, detail, remedy }) {
  const close = h("button", { class: "plain", "aria-label": "Dismiss", type: "button" },
    icon("close"));
  const element = h(
    "div", { class: "notice", role: "alert" },
    h("div", {},
      h("strong", { text: title }),
      h("p", { text: sentence(detail) }),
      remedy ? h("p", { class: "remedy", text: sentence(remedy) }) : null),
    close,
  );
  const timer = setTimeout(() => element.remove(), SHOWN_MS);
  close.addEventListener("click", () => {
    clearTimeout(timer);
    element.remove();
  });
  return element;
}
