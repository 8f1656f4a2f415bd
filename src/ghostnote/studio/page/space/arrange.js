/** Grooves along a path as one long groove. */

import { stepsPerBar } from "../state/groove.js";

/** @import { Groove } from "../engine/types.js" */

/**
 * An arrangement of as many bars as there are grooves: bar `i` is that of groove `i`, counted round
 * where a groove has fewer, so that phrases of four bars stay phrases of four bars. It has the tempo
 * of the first.
 *
 * @param {readonly Groove[]} grooves one or more, of one meter
 * @returns {Groove}
 */
export function arranged(grooves) {
  const [{ bpm, meter }] = grooves;
  const hits = grooves.flatMap((groove, bar) => {
    const steps = stepsPerBar(groove);
    const from = (bar % groove.bars) * steps;
    return groove.hits
      .filter(([step]) => step >= from && step < from + steps)
      .map(([step, voice, velocity, offset]) =>
        /** @type {Groove["hits"][number]} */ ([step - from + bar * steps, voice, velocity, offset]));
  });
  return { bpm, meter, bars: grooves.length, hits };
}

/**
 * The grooves cut to the bars that all of them have.
 *
 * @param {readonly Groove[]} grooves
 * @returns {Groove[]}
 */
export function evened(grooves) {
  const bars = Math.min(...grooves.map((groove) => groove.bars));
  return grooves.map((groove) => {
    const end = bars * stepsPerBar(groove);
    return { ...groove, bars, hits: groove.hits.filter(([step]) => step < end) };
  });
}
