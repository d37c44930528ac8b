"use strict";
// The picture wall: the choice of the two views, their difference, the boxes, and one slider that moves all pictures.
(() => {
  const controls = document.getElementById("controls");
  if (!controls) return;
  const get = (id) => document.getElementById(id);
  const left = get("left-view"), right = get("right-view"), gain = get("gain");
  const scenes = [...document.querySelectorAll(".compare")];

  const view = (scene, name) => [...scene.querySelectorAll("img")].find((image) => image.dataset.view === name);

  function pixels(image) {
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, canvas.width, canvas.height).data;
  }

  // Right minus left in luminance, times the gain: orange where the right view is brighter, blue where it is darker.
  async function difference(scene) {
    const images = [view(scene, left.value), view(scene, right.value)];
    if (images.includes(undefined)) return;
    const asked = (scene.dataset.asked = `${left.value}\n${right.value}\n${gain.value}`);
    // A picture that was never shown is not decoded yet.
    for (const image of images) image.loading = "eager";
    await Promise.all(images.map((image) => image.decode()));
    if (scene.dataset.asked !== asked) return;
    const [from, to] = images.map(pixels);
    const canvas = scene.querySelector("canvas");
    canvas.width = images[0].naturalWidth;
    canvas.height = images[0].naturalHeight;
    const context = canvas.getContext("2d");
    const drawn = context.createImageData(canvas.width, canvas.height);
    const factor = Number(gain.value);
    for (let i = 0; i < from.length; i += 4) {
      const d = 0.299 * (to[i] - from[i]) + 0.587 * (to[i + 1] - from[i + 1]) + 0.114 * (to[i + 2] - from[i + 2]);
      const size = Math.min(255, factor * Math.abs(d));
      drawn.data[i] = d > 0 ? size : 0.25 * size;
      drawn.data[i + 1] = d > 0 ? 0.55 * size : 0.6 * size;
      drawn.data[i + 2] = d > 0 ? 0.1 * size : size;
      drawn.data[i + 3] = 255;
    }
    context.putImageData(drawn, 0, 0);
    scene.dataset.drawn = asked;
  }

  // A difference is computed only when its picture is in view: a wall may hold many megapixels.
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      entry.target.dataset.seen = entry.isIntersecting ? "yes" : "";
      if (entry.isIntersecting && get("difference").checked) difference(entry.target);
    }
  }, { rootMargin: "200px" });

  function show(scene) {
    const differs = get("difference").checked;
    for (const image of scene.querySelectorAll("img")) {
      image.classList.toggle("left", image.dataset.view === left.value);
      image.classList.toggle("right", image.dataset.view === right.value);
    }
    const has = [left, right].map((choice) => view(scene, choice.value) !== undefined);
    scene.classList.toggle("alone", left.value === right.value);
    scene.classList.toggle("differs", differs && has[0] && has[1] && left.value !== right.value);
    const names = [left.value, differs ? `${right.value} − ${left.value} (×${gain.value})` : right.value];
    ["left", "right"].forEach((side, i) => {
      scene.querySelector(".tag." + side).textContent = has[i] ? names[i] : `no ${names[i]}`;
    });
    if (differs && scene.dataset.seen) difference(scene);
  }

  const showAll = () => { gain.disabled = !get("difference").checked; scenes.forEach(show); };
  for (const control of [left, right, gain, get("difference")]) control.addEventListener("change", showAll);
  get("swap").addEventListener("click", () => {
    [left.value, right.value] = [right.value, left.value];
    showAll();
  });
  const wall = document.querySelector(".wall");
  for (const kind of ["true", "found"]) {
    const control = get("show-" + kind);
    control.parentElement.hidden = !wall.querySelector("svg." + kind);
    control.addEventListener("change", () => wall.classList.toggle("show-" + kind, control.checked));
  }

  for (const scene of scenes) {
    seen.observe(scene);
    scene.querySelector("input").addEventListener("input", (event) => {
      const value = event.target.value;
      for (const other of get("together").checked ? scenes : [scene]) {
        other.style.setProperty("--split", value + "%");
        other.querySelector("input").value = value;
      }
    });
    const card = scene.closest(".scene");
    card.querySelector(".enlarge").addEventListener("click", (event) => {
      const wide = card.classList.toggle("wide");
      event.target.textContent = wide ? "Reduce" : "Enlarge";
      event.target.setAttribute("aria-pressed", String(wide));
      card.scrollIntoView({ block: "nearest" });
    });
  }
  showAll();
})();
