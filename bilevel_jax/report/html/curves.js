"use strict";
// The charts of curves: a legend whose entries hide a line, and a cursor that shows the figures. A chart is redrawn when
// its width changes.
(() => {
  const source = document.getElementById("curves");
  if (!source) return;
  const all = JSON.parse(source.textContent);

  function nearest(points, step) {
    let best = null;
    for (const point of points) {
      if (best === null || Math.abs(point[0] - step) < Math.abs(best[0] - step)) best = point;
    }
    return best;
  }

  for (const figure of document.querySelectorAll("[data-chart]")) {
    const number = figure.dataset.chart;
    const data = all[number];
    const place = figure.querySelector(".plot");
    const hidden = new Set();
    let drawn;
    const draw = () => { drawn = chart.draw(place, data, hidden, number); };

    const legend = document.createElement("div");
    legend.className = "legend";
    data.lines.forEach((line, i) => {
      const item = document.createElement("button");
      item.type = "button";
      item.className = "c" + (i % 8);
      item.setAttribute("aria-pressed", "true");
      item.append(Object.assign(document.createElement("span"), { textContent: line.name }));
      item.addEventListener("click", () => {
        if (!hidden.delete(i)) hidden.add(i);
        item.setAttribute("aria-pressed", String(!hidden.has(i)));
        draw();
      });
      legend.append(item);
    });
    if (data.lines.length > 1) figure.append(legend);
    const spans = data.lines.map((line) => line.span);
    const notes = [];
    if (Math.max(...spans) > 1) notes.push(`mean over ${Math.max(...spans)} logged steps`);
    if (data.clipped) notes.push("a few far values lie outside");
    if (notes.length) {
      const note = document.createElement("p");
      note.className = "note";
      note.textContent = notes.join("; ") + ".";
      figure.append(note);
    }

    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    place.append(tip);
    place.addEventListener("pointermove", (event) => {
      const bounds = place.getBoundingClientRect();
      const step = drawn.invert(event.clientX - bounds.left);
      const shown = data.lines.map((line, i) => [line, i, nearest(line.points, step)]).filter((e) => !hidden.has(e[1]) && e[2]);
      if (!shown.length) return;
      const at = shown.map((entry) => entry[2][0]).reduce((a, b) => (Math.abs(b - step) < Math.abs(a - step) ? b : a));
      tip.replaceChildren(`${data.xLabel} ${Math.round(at).toLocaleString("en")}`);
      for (const [line, i, point] of shown) {
        const row = document.createElement("div");
        row.className = "c" + (i % 8);
        row.textContent = `${line.name}: ${point[1] === null ? "-" : Number(point[1].toPrecision(4))} ${data.unit}`;
        tip.append(row);
      }
      drawn.svg.querySelector(".cursor")?.remove();
      drawn.add(drawn.svg, "line",
        { class: "cursor", x1: drawn.x(at), x2: drawn.x(at), y1: chart.TOP, y2: chart.HEIGHT - chart.BOTTOM });
      tip.hidden = false;
      const right = drawn.x(at) > drawn.width / 2;
      tip.style.left = right ? "auto" : `${drawn.x(at) + 8}px`;
      tip.style.right = right ? `${drawn.width - drawn.x(at) + 8}px` : "auto";
    });
    place.addEventListener("pointerleave", () => {
      tip.hidden = true;
      drawn.svg.querySelector(".cursor")?.remove();
    });
    draw();
    let width = place.clientWidth;
    new ResizeObserver(() => {
      if (place.clientWidth !== width) { width = place.clientWidth; draw(); }
    }).observe(place);
  }
})();
