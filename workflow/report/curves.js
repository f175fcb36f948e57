"use strict";
// Curves are read by pointing at them, or by the arrow keys while their figure has the focus. Where panels and curves are
// stands in the drawing itself (unispace.reporting.figures.readable).

const MOST = 12; // curves that are told at a time

// The panels of a drawing; each curve with the corners of its path.
const panelsOf = new Map();
function panels(image) {
  if (!panelsOf.has(image.src)) {
    const drawing = new DOMParser().parseFromString(drawings.get(image.src) ?? "<svg/>", "image/svg+xml");
    const found = JSON.parse(drawing.getElementById("curves")?.textContent ?? "[]");
    for (const panel of found) {
      panel.curves = panel.curves.map(([id, name, colour]) => ({ name, colour, corners: corners(drawing.getElementById(id)) }));
    }
    const [, , wide] = (drawing.documentElement.getAttribute("viewBox") ?? "0 0 1 1").split(" ").map(Number);
    panelsOf.set(image.src, { found, wide });
  }
  return panelsOf.get(image.src);
}

function corners(group) {
  const path = group?.querySelector(":scope > path")?.getAttribute("d") ?? "";
  let [x, y] = [0, 0];
  return [...path.matchAll(/([MLHV])([^A-Z]*)/g)].map(([, command, text]) => {
    const numbers = text.trim().split(/\s+/).map(Number);
    if (command === "H") [x] = numbers;
    else if (command === "V") [y] = numbers;
    else [x, y] = numbers;
    return { x, y, drawn: command !== "M" };
  });
}

// Height of a curve at a place; of a step that rises just there, its end.
function heightAt(corners, x) {
  for (let i = corners.length - 1; i > 0; i--) {
    const [a, b] = [corners[i - 1], corners[i]];
    if (b.drawn && a.x <= x && x <= b.x) return a.x === b.x ? b.y : a.y + ((b.y - a.y) * (x - a.x)) / (b.x - a.x);
  }
  return null;
}

function valueAt([, ...values], share) {
  const place = Math.min(Math.max(share, 0), 1) * (values.length - 1);
  const below = Math.min(Math.floor(place), values.length - 2);
  return values[below] + (values[below + 1] - values[below]) * (place - below);
}
const spoken = (value) => (Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3))));

const readout = document.createElement("div");
readout.className = "readout";
readout.popover = "manual";
const ruler = document.createElement("div");
ruler.className = "ruler";
ruler.popover = "manual";
document.body.append(ruler, readout);
function hide() {
  for (const shown of [ruler, readout]) if (shown.matches(":popover-open")) shown.hidePopover();
}

// Show what the curves of a panel are at x, those nearest to y first chosen, as they lie from top to bottom; give it as text.
function read(image, panel, x, y) {
  const [left, top, right, bottom] = panel.box;
  const met = panel.curves.map((curve) => ({ ...curve, height: heightAt(curve.corners, x) })).filter((curve) => curve.height !== null);
  met.sort((a, b) => Math.abs(a.height - y) - Math.abs(b.height - y));
  const told = met.slice(0, MOST).map((curve, place) => ({ ...curve, nearest: place === 0, value: spoken(valueAt(panel.y, (curve.height - top) / (bottom - top))) }));
  told.sort((a, b) => a.height - b.height);
  const head = document.createElement("b");
  head.textContent = panel.title;
  const at = document.createElement("p");
  at.textContent = `${panel.x[0] || "at"} ${spoken(valueAt(panel.x, (x - left) / (right - left)))}${panel.y[0] ? `: ${panel.y[0]}` : ""}`;
  const list = document.createElement("ul");
  for (const curve of told) {
    const item = document.createElement("li");
    if (curve.nearest) item.className = "nearest";
    const dot = document.createElement("i");
    dot.style.background = curve.colour;
    const value = document.createElement("span");
    value.textContent = curve.value;
    item.append(dot, `${curve.name} `, value);
    list.append(item);
  }
  if (met.length > told.length) at.textContent += `, ${told.length} of ${met.length} curves`;
  readout.replaceChildren(head, at, list);
  const place = image.getBoundingClientRect();
  const scale = place.width / panels(image).wide;
  for (const shown of [ruler, readout]) if (!shown.matches(":popover-open")) shown.showPopover();
  Object.assign(ruler.style, { left: `${place.left + x * scale}px`, top: `${place.top + top * scale}px`, height: `${(bottom - top) * scale}px` });
  const beside = place.left + x * scale + 14;
  const wide = readout.offsetWidth;
  readout.style.left = `${Math.max(4, beside + wide < innerWidth ? beside : beside - wide - 28)}px`;
  readout.style.top = `${Math.max(4, Math.min(place.top + top * scale, innerHeight - readout.offsetHeight - 4))}px`;
  return [panel.title, at.textContent, ...told.map((curve) => `${curve.name} ${curve.value}`)].join("; ");
}

document.addEventListener("pointermove", (event) => {
  const image = event.target;
  if (!drawings.has(image.src)) return hide();
  const { found, wide } = panels(image);
  const place = image.getBoundingClientRect();
  const [x, y] = [event.clientX - place.left, event.clientY - place.top].map((side) => (side * wide) / place.width);
  const panel = found.find(({ box: [left, top, right, bottom] }) => left <= x && x <= right && top <= y && y <= bottom);
  if (panel) read(image, panel, x, y);
  else hide();
});
addEventListener("scroll", hide, { passive: true, capture: true });

for (const image of document.querySelectorAll("figure .plate img")) {
  image.addEventListener("drawn", () => {
    if (!drawings.get(image.src).includes('<metadata id="curves">')) return;
    const plate = image.closest(".plate");
    const label = plate.getAttribute("aria-label").split(";")[0];
    plate.setAttribute("aria-label", `${label}; left and right arrow keys read its curves`);
    const hint = document.createElement("span");
    hint.className = "hint";
    hint.textContent = "Values: point at a curve, or ← →";
    image.closest("figure").querySelector(".files").append(hint);
    let [place, share] = [0, 0];
    plate.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
      if (event.key === "Escape") hide();
      if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const { found, wide } = panels(image);
      share += step;
      // Beyond a panel comes the next one.
      if (share > 1.001 && place < found.length - 1) [place, share] = [place + 1, 0];
      if (share < -0.001 && place > 0) [place, share] = [place - 1, 1];
      share = Math.min(Math.max(share, 0), 1);
      const panel = found[place];
      const [left, top, right, bottom] = panel.box;
      const x = left + share * (right - left);
      plate.scrollLeft = (x * image.getBoundingClientRect().width) / wide - plate.clientWidth / 2;
      // After the scrolling, which hides what is shown.
      requestAnimationFrame(() => requestAnimationFrame(() => say(read(image, panel, x, (top + bottom) / 2))));
    });
    plate.addEventListener("blur", hide);
  }, { once: true });
}
