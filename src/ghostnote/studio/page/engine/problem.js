/** The error that every engine throws: what went wrong, and what to do about it. */

/** @import { ProblemDetails } from "./types.js" */

/** @implements {ProblemDetails} */
export class Problem extends Error {
  /** @param {Partial<ProblemDetails> & {detail: string}} details */
  constructor(details) {
    const { type = "about:blank", title = "It could not be done", status = 0 } = details;
    const { detail, remedy } = details;
    super(detail);
    this.name = "Problem";
    this.type = type;
    this.title = title;
    this.status = status;
    this.detail = detail;
    this.remedy = remedy;
  }
}
