/** Which bars are shown: as many as there is room for, and tabs for the others. */

import { stepsOf } from "../state/groove.js";
import { h } from "../shell/dom.js";
import { crop } from "./edits.js";

/** @import { Groove } from "../engine/types.js" */
/** @import { Studio } from "../state/studio.js" */
/** @import { Sheet } from "./sheet.js" */

/**
 * @typedef {object} Window
 * @property {HTMLElement[]} controls
 * @property {(bar: number) => void} reveal shows a bar, and those that are shown with it
 * @property {(step: number) => void} follow shows the bar of a step, unless that is not wanted
 */

/**
 * @param {Sheet} sheet
 * @param {Studio} studio
 * @returns {Window}
 */
export function mountWindow(sheet, studio) {
  const phone = matchMedia("(max-width: 639px)");
  const tablet = matchMedia("(max-width: 899px)");
  let following = true;

  const tabs = h("div", { class: "bar-tabs", role: "group", "aria-label": "Bars shown" });
  const follow = h("button", {
    type: "button", class: "plain", "aria-pressed": "true", text: "Follow",
    title: "Show the bars that play",
    onclick: () => {
      following = !following;
      follow.setAttribute("aria-pressed", String(following));
    },
  });
  const only = h("button", {
    type: "button", text: "Crop", title: "Keep the bars that are shown, and no others",
    onclick: () => crop(studio, sheet.view.first, sheet.view.bars),
  });

  /** How many bars are shown of a groove. @param {Groove} groove */
  const room = ({ bars }) => Math.min(bars, phone.matches ? 1 : tablet.matches ? 2 : 4);
  /** Whole windows, of which the last reaches back. @param {number} from @param {number} shown */
  const within = (from, shown) => Math.max(0, Math.min(from, studio.groove.bars - shown));

  /** @param {number} bar */
  const reveal = (bar) => {
    const shown = room(studio.groove);
    const first = within(Math.floor(bar / shown) * shown, shown);
    const { view } = sheet;
    if (first !== view.first || shown !== view.bars || !sheet.columns) {
      sheet.show({ first, bars: shown });
    }
    showTabs();
  };

  const showTabs = () => {
    const { first, bars: shown } = sheet.view;
    const count = Math.ceil(studio.groove.bars / shown);
    tabs.hidden = follow.hidden = only.hidden = count < 2;
    while (tabs.childElementCount > count) tabs.lastElementChild?.remove();
    while (tabs.childElementCount < count) {
      const place = tabs.childElementCount;
      tabs.append(h("button", { type: "button", onclick: () => reveal(place * sheet.view.bars) }));
    }
    [...tabs.children].forEach((tab, place) => {
      const from = within(place * shown, shown);
      const label = shown === 1 ? `${from + 1}` : `${from + 1}–${from + shown}`;
      if (tab.textContent !== label) {
        tab.textContent = label;
        tab.setAttribute("aria-label", shown === 1 ? `Bar ${label}` : `Bars ${label}`);
      }
      tab.setAttribute("aria-pressed", String(from === first));
    });
  };

  studio.on("change", ({ before, after }) => {
    const [old, groove] = [before.groove, after.groove];
    if (old.bars === groove.bars && old.meter.join() === groove.meter.join()) {
      sheet.update();
      return;
    }
    const { first } = sheet.view;
    sheet.show({ first: 0, bars: room(groove) });
    reveal(Math.min(first, groove.bars - 1));
  });
  for (const query of [phone, tablet]) {
    query.addEventListener("change", () => reveal(sheet.view.first));
  }
  reveal(0);

  return {
    controls: [tabs, follow, only],
    reveal,
    follow: (step) => {
      if (following && step < stepsOf(studio.groove)) reveal(Math.floor(step / sheet.perBar));
    },
  };
}
