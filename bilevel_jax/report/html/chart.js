"use strict";
// Draws one chart of curves as SVG, as wide as its element: axes, bands, lines. Returns what the cursor needs.
const chart = (() => {
  const SPACE = "http://www.w3.org/2000/svg";
  const HEIGHT = 200, LEFT = 46, RIGHT = 10, TOP = 8, BOTTOM = 34;

  function add(parent, tag, attributes, text) {
    const node = document.createElementNS(SPACE, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (text !== undefined) node.textContent = text;
    parent.append(node);
    return node;
  }

  // Round numbers inside [low, high], about `count` of them.
  function ticks(low, high, count) {
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) || rough;
    const found = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) found.push(i * step);
    return { step, found };
  }

  function figure(value, step) {
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 1e5 || size < 1e-3) return value.toExponential(step / size < 0.1 ? 1 : 0).replace("e+", "e");
    return value.toFixed(Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9))));
  }

  function path(points, x, y, index) {
    let line = "", open = false;
    for (const point of points) {
      if (point[index] === null) { open = false; continue; }
      line += (open ? "L" : "M") + x(point[0]).toFixed(1) + " " + y(point[index]).toFixed(1);
      open = true;
    }
    return line;
  }

  // The band from the least to the greatest value: one closed outline for every stretch without a gap.
  function band(points, x, y) {
    const parts = [[]];
    for (const point of points) {
      if (point[1] === null) parts.push([]); else parts[parts.length - 1].push(point);
    }
    return parts.filter((part) => part.length > 1).map((part) => {
      const forth = part.map((p) => x(p[0]).toFixed(1) + " " + y(p[3]).toFixed(1));
      const back = part.map((p) => x(p[0]).toFixed(1) + " " + y(p[2]).toFixed(1)).reverse();
      return "M" + forth.concat(back).join("L") + "Z";
    }).join("");
  }

  function draw(place, data, hidden, number) {
    const width = Math.max(220, place.clientWidth);
    const xs = data.lines.flatMap((line) => line.points.map((point) => point[0]));
    const first = Math.min(...xs), last = Math.max(...xs), extent = last - first || 1;
    const x = (value) => LEFT + ((value - first) / extent) * (width - LEFT - RIGHT);
    const y = (value) => TOP + ((data.high - value) / (data.high - data.low)) * (HEIGHT - TOP - BOTTOM);
    const svg = document.createElementNS(SPACE, "svg");
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const clip = "clip-" + number;
    add(add(svg, "clipPath", { id: clip }), "rect",
      { x: LEFT - 3, y: TOP - 2, width: width - LEFT - RIGHT + 6, height: HEIGHT - TOP - BOTTOM + 4 });
    const vertical = ticks(data.low, data.high, 4);
    for (const value of vertical.found) {
      add(svg, "line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) });
      add(svg, "text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, figure(value, vertical.step));
    }
    const horizontal = ticks(first, last, Math.max(2, Math.floor(width / 90)));
    for (const value of horizontal.found) {
      add(svg, "text", { x: x(value), y: HEIGHT - BOTTOM + 15, "text-anchor": "middle" }, value.toLocaleString("en"));
    }
    add(svg, "text", { x: (LEFT + width - RIGHT) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, data.xLabel);
    for (const [value, label] of data.marks) {
      add(svg, "line", { class: "mark", x1: x(value), x2: x(value), y1: TOP, y2: HEIGHT - BOTTOM });
      const left = x(value) > width / 2;
      add(svg, "text", { x: x(value) + (left ? -5 : 5), y: TOP + 9, "text-anchor": left ? "end" : "start" }, label);
    }
    const curves = add(svg, "g", { "clip-path": `url(#${clip})` });
    data.lines.forEach((line, i) => {
      if (hidden.has(i)) return;
      const group = add(curves, "g", { class: "c" + (i % 8) });
      if (line.span > 1) add(group, "path", { class: "band", d: band(line.points, x, y) });
      add(group, "path", { class: "curve", d: path(line.points, x, y, 1) });
      if (line.points.length <= 40) {
        for (const point of line.points) {
          if (point[1] !== null) add(group, "circle", { class: "point", cx: x(point[0]), cy: y(point[1]), r: 2.2 });
        }
      }
    });
    place.querySelector("svg")?.remove();
    place.prepend(svg);
    return { svg, x, y, width, invert: (at) => first + ((at - LEFT) / (width - LEFT - RIGHT)) * extent, add };
  }

  return { draw, HEIGHT, TOP, BOTTOM };
})();
