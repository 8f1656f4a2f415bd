/**
 * The worker of the page's own engine: it does verbs, one after another, in the order in which they
 * are asked for.
 *
 * It is told `{root}` first, then `{id, verb, request}`, and `{id, cancel: true}` of what is no
 * longer wanted; it tells `{id, value}` or `{id, problem}`, and `{progress}` while files come.
 */

import { graphOf, runtime } from "./graphs.js";
import { Models } from "./models.js";
import { Problem } from "./problem.js";
import { counted } from "./progress.js";
import { answer } from "./verbs.js";

/** @typedef {{id: number, verb: string, request: unknown}} Job */

/** @type {Models} */
let models;
/** @type {Job | null} */
let current = null;
let last = Promise.resolve();
/** What is still wanted. @type {Set<number>} */
const wanted = new Set();

self.addEventListener("message", ({ data }) => {
  if ("root" in data) open(data.root);
  else if ("cancel" in data) wanted.delete(data.id);
  else {
    wanted.add(data.id);
    last = last.then(() => work(data));
  }
});

/** @param {string} root where the studio's folder is */
function open(root) {
  self.fetch = counted(self.fetch.bind(self), (progress) => tell({ progress }));
  models = new Models({
    read: (path) => read(new URL(path, root)),
    graph: async (content) => graphOf(await runtime(root), content),
    before: stopIfUnwanted,
  });
  // The larger part of what is to come, which needs to wait for nothing.
  runtime(root).catch(() => {});
}

/** @param {Job} job */
async function work(job) {
  current = job;
  try {
    await stopIfUnwanted();
    tell({ id: job.id, value: await answer(models, job.verb, job.request) });
  } catch (error) {
    tell({ id: job.id, problem: told(error) });
  }
  wanted.delete(job.id);
  current = null;
}

/** Hears what has come in meanwhile, and throws if the current job is no longer wanted. */
async function stopIfUnwanted() {
  await new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve(null);
    };
    port2.postMessage(null);
  });
  if (current && !wanted.has(current.id)) {
    throw new DOMException("no longer wanted", "AbortError");
  }
}

/** @param {URL} url */
async function read(url) {
  let response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw missing(url, `${error instanceof Error ? error.message : error}`);
  }
  if (!response.ok) throw missing(url, `${response.status} ${response.statusText}`.trim());
  return response.arrayBuffer();
}

/**
 * @param {URL} url
 * @param {string} why
 */
const missing = (url, why) =>
  new Problem({
    title: "A file did not come",
    detail: `${url.pathname.split("/").slice(-2).join("/")} cannot be fetched: ${why}`,
    remedy: "Check the connection, and try again.",
  });

/** @param {unknown} error */
function told(error) {
  if (error instanceof Problem) {
    const { type, title, status, detail, remedy } = error;
    return { type, title, status, detail, remedy };
  }
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : `${error}`;
  return { title: "Something went wrong that should not have", status: 500, detail };
}

/** @param {unknown} message */
const tell = (message) => self.postMessage(message);
