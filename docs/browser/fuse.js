// The page: files in, the fused picture on the canvas and as a download out.

import { imageData, isColored, isSame, readPicture } from "./pictures.js";

const KINDS = ["infrared", "visible"];
const $ = (id) => document.getElementById(id);
const reading = {}; // kind -> promise of the picture, or of null where the file cannot be read
let shown = null; // {infrared, visible, fused}: canvases of one size
let worker = null;
let answer = null; // takes the worker's next message

function say(message, bad = false) {
  $("message").textContent = message;
  $("message").classList.toggle("bad", bad);
}

// A worker that comes from a file has no Content-Security-Policy; one that comes from a blob inherits the page's.
function startWorker() {
  const code = `import ${JSON.stringify(new URL("worker.js", import.meta.url).href)};`;
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  worker = new Worker(address, { type: "module" });
  const ready = nextMessage();
  worker.onmessage = ({ data }) => answer(data);
  worker.onerror = (event) => {
    event.preventDefault();
    answer({ error: event.message || "the files of the page are not whole" });
  };
  return ready;
}

function nextMessage() {
  return new Promise((resolve) => (answer = resolve));
}

async function load() {
  say("Loading the network.");
  $("fuse").disabled = true;
  const { error, takesGain } = await startWorker();
  if (error) {
    say(`The network cannot be loaded: ${error}`, true);
    return false;
  }
  $("gain-label").hidden = !takesGain;
  $("fuse").disabled = false;
  say("");
  return true;
}

function choose(kind, file) {
  if (!file) return;
  $(`${kind}-about`).textContent = file.name;
  const picture = readPicture(file).then(
    (read) => {
      if (reading[kind] === picture) $(`${kind}-about`).textContent = `${file.name}, ${size(read)} pixels`;
      return read;
    },
    (error) => {
      if (reading[kind] === picture) say(error.message, true);
      return null;
    },
  );
  reading[kind] = picture;
  say("");
}

function size({ width, height }) {
  return `${width} x ${height}`;
}

/** Returns what is wrong with the pair and the gain, or "". */
function problem({ infrared, visible }) {
  if (!infrared || !visible) {
    return `The ${infrared ? "visible" : "infrared"} picture is missing; choose a file that can be read.`;
  }
  if (size(infrared) !== size(visible)) {
    return (
      `${infrared.name} has ${size(infrared)} pixels and ${visible.name} ${size(visible)}; expected one size. ` +
      "bilevel-fuse has the options --resize and --align for such pairs."
    );
  }
  if (isSame(infrared, visible)) return `${infrared.name} and ${visible.name} are the same picture; expected two.`;
  const gain = $("gain");
  if (gain.validity.badInput || (gain.value !== "" && !(Number(gain.value) > 0))) {
    return "The gain is not a positive number; expected one, or nothing, and the gain is measured.";
  }
  return "";
}

async function fuse() {
  $("note").textContent = "";
  $("fuse").disabled = true;
  const [infrared, visible] = await Promise.all(KINDS.map((kind) => reading[kind]));
  const wrong = problem({ infrared, visible });
  if (wrong) {
    say(wrong, true);
    $("fuse").disabled = false;
    return;
  }
  say("Fusing.");
  const result = nextMessage();
  worker.postMessage({ infrared, visible, gain: Number($("gain").value) });
  const { error, rgb, gain, milliseconds } = await result;
  if (error) return failed(error, visible);
  show(infrared, visible, { ...visible, rgb });
  await offerDownload(visible.name);
  say(
    `Fused ${size(visible)} pixels in ${Math.round(milliseconds)} ms. ` +
      `The gain of the infrared picture was ${gain.toFixed(2)}.`,
  );
  if (isColored(infrared)) {
    $("note").textContent =
      `${infrared.name} is in colours: their brightness is taken for heat, which may be wrong; export it in grey ` +
      "(white hot), or check that it is the infrared picture.";
  }
  $("fuse").disabled = false;
}

/** Says why and starts the network anew, because onnxruntime's memory is not usable after a failure. */
async function failed(error, picture) {
  worker.terminate();
  const memory = /alloc|memory|out of bounds|^\d+$/i.test(error);
  const sentence = memory
    ? `A picture of ${size(picture)} pixels needs more memory than the browser has; expected a smaller one, or fuse it ` +
      "with bilevel-fuse, which takes large pictures in parts."
    : `The network failed: ${error}`;
  if (await load()) say(sentence, true);
}

function show(infrared, visible, fused) {
  shown = {};
  for (const [kind, picture] of Object.entries({ infrared, visible, fused })) {
    shown[kind] = new OffscreenCanvas(picture.width, picture.height);
    shown[kind].getContext("2d").putImageData(imageData(picture), 0, 0);
  }
  $("canvas").width = fused.width;
  $("canvas").height = fused.height;
  $("result").hidden = false;
  draw();
}

function draw() {
  if (!shown) return;
  const { width, height } = shown.fused;
  const context = $("canvas").getContext("2d", { willReadFrequently: true });
  const source = document.querySelector("input[name=source]:checked").value;
  const left = Math.round((width * $("divider").value) / 100);
  context.drawImage(shown.fused, 0, 0);
  if (left > 0) context.drawImage(shown[source], 0, 0, left, height, 0, 0, left, height);
  if (left > 0 && left < width) {
    context.fillStyle = "white";
    context.fillRect(left - 1, 0, 2, height);
  }
}

async function offerDownload(name) {
  const link = $("download");
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(await shown.fused.convertToBlob({ type: "image/png" }));
  link.download = `${name.replace(/\.[^.]*$/, "")}_fused.png`;
}

function drag(event) {
  if (event.buttons === 0 && event.type === "pointermove") return;
  const box = $("canvas").getBoundingClientRect();
  $("divider").value = (100 * (event.clientX - box.left)) / box.width;
  draw();
}

for (const kind of KINDS) {
  const zone = $(kind).closest(".file");
  $(kind).addEventListener("change", () => choose(kind, $(kind).files[0]));
  // Without this, a file that has changed and is chosen again would not be read again.
  $(kind).addEventListener("click", () => ($(kind).value = ""));
  for (const type of ["dragover", "dragleave", "drop"]) {
    zone.addEventListener(type, () => zone.classList.toggle("over", type === "dragover"));
  }
  zone.addEventListener("drop", (event) => choose(kind, event.dataTransfer.files[0]));
}
// A file that is dropped beside the two fields must not replace the page.
for (const type of ["dragover", "drop"]) window.addEventListener(type, (event) => event.preventDefault());
$("fuse").addEventListener("click", fuse);
$("divider").addEventListener("input", draw);
for (const radio of document.getElementsByName("source")) radio.addEventListener("change", draw);
for (const type of ["pointerdown", "pointermove"]) $("canvas").addEventListener(type, drag);
load();
