// Runs the network beside the page, which stays usable meanwhile. Answers each message with one message.

import * as ort from "./onnxruntime_web.js";

const near = (name) => new URL(name, import.meta.url).href;
ort.env.wasm.wasmPaths = { wasm: near("onnxruntime_web.wasm") };
ort.env.wasm.numThreads = 1; // more would need headers that static hosts do not send

const loading = ort.InferenceSession.create(near("fuser.onnx"), { executionProviders: ["wasm"] });
loading.then(
  (session) => postMessage({ ready: true, takesGain: session.inputNames.includes("exposure") }),
  (error) => postMessage({ error: String(error?.message ?? error) }),
);

/** The message: {infrared, visible: pictures of one size, gain: 0 = it is measured}. */
onmessage = async ({ data: { infrared, visible, gain } }) => {
  try {
    const session = await loading;
    const inputs = { infrared: tensor(infrared), visible: tensor(visible) };
    if (session.inputNames.includes("exposure")) inputs.exposure = new ort.Tensor("float32", [gain], []);
    const start = performance.now();
    const results = await session.run(inputs);
    const milliseconds = performance.now() - start;
    const rgb = results.fused.data;
    postMessage({ rgb, gain: results.gain.data[0], milliseconds });
  } catch (error) {
    postMessage({ error: String(error?.message ?? error) });
  }
};

function tensor({ width, height, rgb }) {
  return new ort.Tensor("uint8", rgb, [1, height, width, 3]);
}
