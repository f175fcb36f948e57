"use strict";
// Opens what is packed, and adds sorting, filtering, copying, enlarging and a choice of theme.

const said = document.getElementById("said");
const say = (text) => { said.textContent = ""; setTimeout(() => { said.textContent = text; }, 50); };

function button(text, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", action);
  return made;
}

// What is packed is gzip in base64.
function opened(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
}

// What is packed is opened when it comes near; what is far, one after the other when there is time, so that it is
// there for printing and searching.
const waiting = new Map();
const coming = new IntersectionObserver(
  (entries) => { for (const entry of entries) if (entry.isIntersecting) openNow(entry.target); },
  { rootMargin: "1500px" },
);
async function openNow(element) {
  const act = waiting.get(element);
  waiting.delete(element);
  coming.unobserve(element);
  await act?.();
}
function openLater(element, act) {
  waiting.set(element, act);
  coming.observe(element);
}
const pause = () => new Promise((done) => { (window.requestIdleCallback ?? setTimeout)(done); });
addEventListener("load", async () => {
  while (waiting.size) {
    await pause();
    const [element] = waiting.keys();
    if (element) await openNow(element);
  }
});

const drawings = new Map(); // their text by the address that they are shown from
for (const image of document.querySelectorAll("img[data-drawing]")) {
  openLater(image, async () => {
    const drawing = await opened(image.dataset.drawing).text();
    image.src = URL.createObjectURL(new Blob([drawing], { type: "image/svg+xml" }));
    drawings.set(image.src, drawing);
    image.dispatchEvent(new Event("drawn"));
    image.removeAttribute("data-drawing");
  });
}

// Theme: the system's, until another is chosen.
{
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const now = () => document.documentElement.dataset.theme || (dark.matches ? "dark" : "light");
  const name = () => (now() === "dark" ? "Light theme" : "Dark theme");
  const toggle = button(name(), () => {
    document.documentElement.dataset.theme = now() === "dark" ? "light" : "dark";
    toggle.textContent = name();
    try { localStorage.setItem("unispace-theme", now()); } catch { /* private windows have no storage */ }
  });
  toggle.className = "theme";
  dark.addEventListener("change", () => { toggle.textContent = name(); });
  document.querySelector(".bar").append(toggle);
}

// Contents: mark the section that is being read.
{
  const links = new Map([...document.querySelectorAll(".toc a")].map((a) => [a.hash.slice(1), a]));
  const mark = () => {
    let current = null;
    for (const id of links.keys()) {
      if (document.getElementById(id).getBoundingClientRect().top < innerHeight * 0.3) current = id;
    }
    for (const [id, link] of links) {
      if (id === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  addEventListener("scroll", mark, { passive: true });
  mark();
}

// Figures: enlarged on demand, as far as the reader likes.
{
  const dialog = document.createElement("dialog");
  dialog.className = "enlarged";
  dialog.setAttribute("aria-label", "Enlarged figure");
  const image = document.createElement("img");
  const plate = document.createElement("div");
  plate.className = "plate";
  plate.tabIndex = 0;
  plate.setAttribute("role", "group");
  plate.setAttribute("aria-label", "Enlarged figure; scrolls both ways");
  plate.append(image);
  let scale = 1;
  const show = (factor) => {
    scale = Math.min(8, Math.max(0.25, factor));
    image.width = Math.round(Number(image.dataset.width) * scale);
    say(`${Math.round(scale * 100)} percent`);
  };
  const bar = document.createElement("div");
  bar.className = "tools";
  bar.append(
    button("Larger", () => show(scale * 1.5)),
    button("Smaller", () => show(scale / 1.5)),
    button("Close", () => dialog.close()),
  );
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "+" || event.key === "=") show(scale * 1.5);
    if (event.key === "-") show(scale / 1.5);
  });
  dialog.append(bar, plate);
  document.body.append(dialog);
  for (const small of document.querySelectorAll("figure:not(.contact) .plate img")) {
    const opener = button("Enlarge", () => {
      image.src = small.src;
      image.alt = small.alt;
      image.dataset.width = small.getAttribute("width");
      dialog.showModal();
      show(Math.max(1, Math.min(2, (innerWidth * 0.9) / Number(image.dataset.width))));
    });
    opener.className = "enlarge";
    opener.setAttribute("aria-label", `Enlarge ${small.closest(".plate").getAttribute("aria-label").split(";")[0]}`);
    small.closest("figure").querySelector(".files").append(opener);
  }
}
