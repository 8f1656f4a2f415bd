/** ONNX graphs in WebAssembly. */

import { refused } from "./errors.js";

/** @import { Graph } from "./runtime.js" */

/** What is used of onnxruntime-web. @typedef {any} Ort */

const FOLDER = "vendor/onnxruntime-web/";
const MODULE = "../vendor/onnxruntime-web/ort.wasm.min.js";

/** @type {Promise<Ort> | undefined} */
let loading;

/**
 * onnxruntime-web, which is loaded once, without threads.
 * @param {string} root where the studio's folder is
 * @returns {Promise<Ort>}
 */
export function runtime(root) {
  loading ??= import(new URL(MODULE, import.meta.url).href).then((ort) => {
    ort.env.logLevel = "error";
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.simd = true;
    ort.env.wasm.proxy = false;
    ort.env.wasm.wasmPaths = new URL(FOLDER, root).href;
    return ort;
  });
  // What failed to come may come another time.
  loading.catch(() => (loading = undefined));
  return loading;
}

/**
 * A graph that is ready to run.
 * @param {Ort} ort
 * @param {ArrayBuffer} content
 * @returns {Promise<Graph>}
 */
export async function graphOf(ort, content) {
  let session;
  try {
    session = await ort.InferenceSession.create(new Uint8Array(content), {
      executionProviders: ["wasm"],
      // The same as in Python, so that the same numbers come out.
      graphOptimizationLevel: "basic",
    });
  } catch (error) {
    throw refused(
      `the model cannot be run: ${error instanceof Error ? error.message : error}`,
      "use a browser with WebAssembly SIMD, such as a current Firefox, Chrome or Safari",
    );
  }
  return async (inputs) => {
    const feeds = Object.fromEntries(Object.entries(inputs).map(([name, { data, shape }]) =>
      [name, new ort.Tensor("float32", data, shape)]));
    const outputs = await session.run(feeds);
    return Object.fromEntries(session.outputNames.map((/** @type {string} */ name) =>
      [name, outputs[name].data]));
  };
}
