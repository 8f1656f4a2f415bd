/** A line over the grid where the music is, and a glow on the hits that sound. */

/** @import { Studio } from "../state/studio.js" */
/** @import { Sheet } from "./sheet.js" */

/**
 * @param {Sheet} sheet
 * @param {Studio} studio
 * @param {(step: number) => void} passed called when another step is heard
 */
export function mountPlayhead(sheet, studio, passed) {
  let frame = 0;
  /** @type {number | null} */
  let last = null;
  /** Where the cells are within the sheet; measured when that may have changed. */
  let [left, width] = [0, 0];

  const measure = () => {
    const [from, to] = sheet.extent();
    [left, width] = [from - sheet.root.getBoundingClientRect().left, to - from];
  };
  new ResizeObserver(measure).observe(sheet.body);

  const draw = () => {
    frame = requestAnimationFrame(draw);
    const position = studio.transport.position;
    const step = position === null ? null : Math.floor(position);
    if (step !== last) {
      last = step;
      if (step !== null && step >= 0) passed(step);
      sheet.light(step);
    }
    const at = position === null ? -1 : (position - sheet.start) / sheet.columns;
    const shown = at >= 0 && at < 1;
    sheet.playhead.classList.toggle("shown", shown);
    if (shown) sheet.playhead.style.transform = `translateX(${(left + at * width).toFixed(1)}px)`;
  };

  studio.on("playing", (playing) => {
    cancelAnimationFrame(frame);
    if (playing) {
      measure();
      draw();
      return;
    }
    last = null;
    sheet.light(null);
    sheet.playhead.classList.remove("shown");
  });
}
