"use strict";
// The page is complete without this; it adds sorting, filtering, copying and a choice of theme.

const said = document.getElementById("said");
const say = (text) => { said.textContent = ""; setTimeout(() => { said.textContent = text; }, 50); };

function button(text, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", action);
  return made;
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

const textOf = (cell) => (cell.dataset.copy ?? cell.textContent).replace(/\s+/g, " ").trim();
const exactOf = (cell) => (cell.dataset.copy === undefined && (cell.dataset.sort || cell.querySelector("code[title]")?.title)) || textOf(cell);
const shownRows = (table) => [...table.tBodies[0].rows].filter((row) => !row.hidden);
const cellsOf = (table, read) => [table.tHead.querySelector(".keys"), ...shownRows(table)].map((row) => [...row.cells].map(read));

function csv(table) {
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
  return cellsOf(table, exactOf).map((row) => row.map(quoted).join(",")).join("\n") + "\n";
}

function latex(table) {
  const signs = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "→": "$\\to$", "–": "--", "−": "$-$", "±": "$\\pm$", ">": "$>$", "<": "$<$" };
  const escaped = (text) => text.replace(/[\\~^→–−±<>&%$#_{}]/g, (sign) => signs[sign] ?? `\\${sign}`);
  const [heads, ...rows] = cellsOf(table, textOf).map((row) => row.map(escaped).join(" & ") + " \\\\");
  const columns = [...table.tHead.querySelector(".keys").cells].map((cell) => (cell.classList.contains("num") ? "r" : "l"));
  return [`\\begin{tabular}{${columns.join("")}}`, "\\toprule", heads, "\\midrule", ...rows, "\\bottomrule", "\\end{tabular}", ""].join("\n");
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages opened from a file have no clipboard in some browsers.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(`${what} copied`);
}

function sortable(table) {
  const heads = [...table.tHead.querySelector(".keys").cells];
  heads.forEach((head, column) => {
    const inner = button("", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const keyed = [...table.tBodies[0].rows].map((row) => {
        const cell = row.cells[column];
        const sort = cell.dataset.sort;
        return { row, number: sort === undefined ? null : sort === "" ? NaN : Number(sort), text: textOf(cell) };
      });
      keyed.sort((a, b) => {
        if (a.number === null || b.number === null) {
          return (up ? 1 : -1) * a.text.localeCompare(b.text, "en", { numeric: true });
        }
        // What failed has no number and stays last either way.
        if (Number.isNaN(a.number) || Number.isNaN(b.number)) return Number.isNaN(a.number) - Number.isNaN(b.number);
        return (up ? 1 : -1) * (a.number - b.number);
      });
      table.tBodies[0].append(...keyed.map((item) => item.row));
      say(`Sorted by ${textOf(head)}, ${up ? "ascending" : "descending"}`);
    });
    head.dataset.copy ??= head.textContent;
    inner.append(...head.childNodes);
    const arrow = document.createElement("span");
    arrow.className = "arrow";
    inner.insertBefore(arrow, inner.querySelector("small"));
    head.append(inner);
  });
}

for (const table of document.querySelectorAll("table.data")) {
  sortable(table);
  const tools = document.createElement("div");
  tools.className = "tools";
  const shown = document.createElement("span");
  shown.className = "shown";
  const all = table.tBodies[0].rows.length;
  const tell = () => {
    const rows = shownRows(table).length;
    shown.textContent = rows === all ? `${all} rows` : `${rows} of ${all} rows`;
  };
  if (table.hasAttribute("data-filter") || all > 12) {
    const label = document.createElement("label");
    const field = document.createElement("input");
    field.type = "search";
    field.placeholder = "Filter: words, all must occur";
    field.setAttribute("aria-label", `Filter ${table.dataset.name}`);
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase() + " " + [...row.querySelectorAll("[title]")].map((c) => c.title.toLowerCase()).join(" ");
        row.hidden = !words.every((word) => text.includes(word));
      }
      tell();
      say(shown.textContent);
    });
    label.append(field);
    tools.append(label);
  }
  tell();
  tools.append(
    shown,
    button("Copy as CSV", () => copy(csv(table), "CSV")),
    button("Copy as LaTeX", () => copy(latex(table), "LaTeX")),
  );
  table.closest(".sheet").before(tools);
}
