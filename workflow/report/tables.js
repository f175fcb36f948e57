"use strict";
// Tables sort, filter and copy. Those with rows in the page are one kind, the table of every number is the other.

const STEP = 200; // rows of the table of every number that are written at a time

const textOf = (cell) => (cell.dataset.copy ?? cell.textContent).replace(/\s+/g, " ").trim();
const exactOf = (cell) => (cell.dataset.copy === undefined && (cell.dataset.sort || cell.querySelector("code[title]")?.title)) || textOf(cell);
const headsOf = (table) => [...table.tHead.querySelector(".keys").cells];
// What failed has no number and stays last either way.
const byNumber = (a, b, up) => (Number.isNaN(a) || Number.isNaN(b) ? Number.isNaN(a) - Number.isNaN(b) : (up ? 1 : -1) * (a - b));
const collator = new Intl.Collator("en", { numeric: true });

function csv(rows) {
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
  return rows.map((row) => row.map(quoted).join(",")).join("\n") + "\n";
}

function latex(rows, numeric) {
  const signs = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "→": "$\\to$", "–": "--", "−": "$-$", "±": "$\\pm$", ">": "$>$", "<": "$<$" };
  const escaped = (text) => text.replace(/[\\~^→–−±<>&%$#_{}]/g, (sign) => signs[sign] ?? `\\${sign}`);
  const [heads, ...lines] = rows.map((row) => row.map(escaped).join(" & ") + " \\\\");
  const columns = numeric.map((number) => (number ? "r" : "l")).join("");
  return [`\\begin{tabular}{${columns}}`, "\\toprule", heads, "\\midrule", ...lines, "\\bottomrule", "\\end{tabular}", ""].join("\n");
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

// Rows in the page.
function written(table) {
  const body = table.tBodies[0];
  const all = [...body.rows];
  const shown = () => all.filter((row) => !row.hidden).length;
  return {
    total: all.length,
    get count() { return shown(); },
    filter(words) {
      for (const row of all) {
        const text = row.textContent.toLowerCase() + " " + [...row.querySelectorAll("[title]")].map((c) => c.title.toLowerCase()).join(" ");
        row.hidden = !words.every((word) => text.includes(word));
      }
    },
    sort(column, up) {
      const keyed = [...body.rows].map((row) => {
        const cell = row.cells[column];
        const sort = cell.dataset.sort;
        return { row, number: sort === undefined ? null : sort === "" ? NaN : Number(sort), text: textOf(cell) };
      });
      keyed.sort((a, b) => (a.number === null || b.number === null ? (up ? 1 : -1) * collator.compare(a.text, b.text) : byNumber(a.number, b.number, up)));
      body.append(...keyed.map((item) => item.row));
    },
    rows: (exact) => [...body.rows].filter((row) => !row.hidden).map((row) => [...row.cells].map(exact ? exactOf : textOf)),
  };
}

// Every number: columns, of which some rows are written into the page.
function columnar(table, columns) {
  const body = table.tBodies[0];
  const heads = headsOf(table).map((head) => head.textContent);
  const place = heads.indexOf("Value");
  const status = columns[heads.indexOf("Status")];
  const format = new Intl.NumberFormat("en", { minimumFractionDigits: 3, maximumFractionDigits: 3, useGrouping: false, roundingMode: "halfEven" });
  // As unispace.reporting.tables.number has it.
  const number = (value) => {
    const text = format.format(value);
    if (text === "1.000" && value < 1) return ">0.999";
    if ((text === "0.000" || text === "-0.000") && value !== 0) return value > 0 ? "<0.001" : ">-0.001";
    return text;
  };
  const shownText = (column, row) => {
    const data = columns[column];
    if (data.words) return data.words[data.codes[row]];
    if (data.counts) return data.counts[row].toLocaleString("en");
    const value = data.numbers[row];
    return value !== null ? number(value) : column === place ? "failed" : "";
  };
  const exactText = (column, row) => {
    const data = columns[column];
    const value = data.words ? data.words[data.codes[row]] : (data.counts ?? data.numbers)[row];
    return value === null ? (column === place ? "failed" : "") : String(value);
  };
  const every = Uint32Array.from({ length: Number(table.dataset.rows) }, (_, row) => row);
  let order = every;
  let visible = every;
  let kept = null;
  let end = 0;

  function line(row) {
    const made = document.createElement("tr");
    if (status.words[status.codes[row]] !== "ok") made.className = "failed";
    columns.forEach((data, column) => {
      const cell = made.insertCell();
      const text = shownText(column, row);
      if (!data.words) cell.className = "num";
      if (heads[column] === "Origin") {
        const code = document.createElement("code");
        code.textContent = text.slice(0, 10);
        code.title = text;
        cell.append(code);
        return;
      }
      if (heads[column] === "Status" && text !== "ok") cell.className = "told";
      if (data.titles) cell.title = data.titles[data.codes[row]];
      cell.textContent = text;
    });
    return made;
  }
  const more = button("", () => write(STEP));
  more.className = "more";
  table.closest(".sheet").append(more);
  function write(step) {
    const next = visible.slice(end, end + step);
    body.append(...Array.from(next, line));
    end += next.length;
    more.hidden = end === visible.length;
    more.textContent = `Show ${Math.min(STEP, visible.length - end)} more of ${visible.length.toLocaleString("en")} rows`;
  }
  function again() {
    visible = kept ? order.filter((row) => kept[row]) : order;
    end = 0;
    body.replaceChildren();
    write(STEP);
  }
  again();
  return {
    total: every.length,
    get count() { return visible.length; },
    filter(words) {
      kept = words.length ? new Uint8Array(every.length).fill(1) : null;
      for (const word of words) {
        const hits = columns.filter((data) => data.words).map((data) => {
          const found = data.words.map((text, code) => text.toLowerCase().includes(word) || (data.titles?.[code].toLowerCase().includes(word) ?? false));
          return [data.codes, found];
        }).filter(([, found]) => found.includes(true));
        for (const row of every) if (kept[row] && !hits.some(([codes, found]) => found[codes[row]])) kept[row] = 0;
      }
      again();
    },
    sort(column, up) {
      const data = columns[column];
      let keys = data.counts ?? data.numbers?.map((value) => value ?? NaN);
      if (data.words) {
        const ranked = data.words.map((_, code) => code).sort((a, b) => collator.compare(data.words[a], data.words[b]));
        const rank = [];
        ranked.forEach((code, position) => { rank[code] = position; });
        keys = data.codes.map((code) => rank[code]);
      }
      order = order.slice().sort((a, b) => byNumber(keys[a], keys[b], up));
      again();
    },
    rows: (exact) => Array.from(visible, (row) => columns.map((_, column) => (exact ? exactText : shownText)(column, row))),
  };
}

function controls(table, view) {
  const heads = headsOf(table);
  const names = heads.map((head) => textOf(head));
  heads.forEach((head, column) => {
    const inner = button("", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      view.sort(column, up);
      say(`Sorted by ${names[column]}, ${up ? "ascending" : "descending"}`);
    });
    head.dataset.copy ??= names[column];
    inner.append(...head.childNodes);
    const arrow = document.createElement("span");
    arrow.className = "arrow";
    inner.insertBefore(arrow, inner.querySelector("small"));
    head.append(inner);
  });
  const tools = document.createElement("div");
  tools.className = "tools";
  const shown = document.createElement("span");
  shown.className = "shown";
  const tell = () => {
    const [count, total] = [view.count, view.total].map((n) => n.toLocaleString("en"));
    const rows = view.total === 1 ? "row" : "rows";
    shown.textContent = count === total ? `${total} ${rows}` : `${count} of ${total} ${rows}`;
  };
  if (table.hasAttribute("data-filter") || view.total > 12) {
    const label = document.createElement("label");
    const field = document.createElement("input");
    field.type = "search";
    field.placeholder = "Filter: words, all must occur";
    field.setAttribute("aria-label", `Filter ${table.dataset.name}`);
    field.addEventListener("input", () => {
      view.filter(field.value.toLowerCase().split(/\s+/).filter(Boolean));
      tell();
      say(shown.textContent);
    });
    label.append(field);
    tools.append(label);
  }
  tell();
  const numeric = heads.map((head) => head.classList.contains("num"));
  tools.append(
    shown,
    button("Copy as CSV", () => copy(csv([names, ...view.rows(true)]), "CSV")),
    button("Copy as LaTeX", () => copy(latex([names, ...view.rows(false)], numeric), "LaTeX")),
  );
  table.closest(".sheet").before(tools);
}

async function ready(table) {
  const body = table.tBodies[0];
  if (table.dataset.columns) {
    const columns = await opened(table.dataset.columns).json();
    body.replaceChildren();
    table.removeAttribute("data-columns");
    controls(table, columnar(table, columns));
    return;
  }
  if (body.dataset.packed) {
    body.innerHTML = await opened(body.dataset.packed).text();
    body.removeAttribute("data-packed");
  }
  controls(table, written(table));
}

// A number says what it rests on when it is pointed at.
document.addEventListener("pointerover", (event) => {
  const number = event.target.closest?.(".number:not([title])");
  if (number) number.title = `n ${number.dataset.n}, ${number.dataset.protocol}`;
});

for (const table of document.querySelectorAll("table.data")) {
  const closed = table.closest("details:not([open])");
  // What is folded is opened when a reader asks for it.
  if (closed && table.tBodies[0].dataset.packed) closed.addEventListener("toggle", () => ready(table), { once: true });
  else if (table.dataset.columns) openLater(table, () => ready(table));
  else ready(table);
}
