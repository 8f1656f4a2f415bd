/** What an engine refuses, as the server's `problems.py` says it. */

import { Problem } from "./problem.js";

/**
 * What fits the schema and cannot be done: where Python raises a `GhostnoteError`.
 * @param {string} detail
 * @param {string} [remedy]
 */
export const refused = (detail, remedy) =>
  new Problem({ title: "Bad Request", status: 400, detail, remedy });

/**
 * What does not fit the schema.
 * @param {string} detail
 */
export const misfit = (detail) =>
  new Problem({ title: "Unprocessable Content", status: 422, detail });

/**
 * A number as Python's `:g` writes it, with six digits.
 * @param {number} value
 */
export function general(value) {
  if (!Number.isFinite(value) || value === 0) return String(value);
  const [digits, exponent] = value.toExponential(5).split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(Number(value.toPrecision(6)));
  const sign = power < 0 ? "-" : "+";
  return `${Number(digits)}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
}
