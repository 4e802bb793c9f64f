// The table in the form of a paper: which columns are shown, and its text for other programs. Numbers in that text have
// the digits of the file or those shown, an ASCII minus and no thousands separators.

const plain = (text) => text.replaceAll("−", "-").replaceAll(",", "");

// The columns that are shown, and of each row its cells: what is shown, what it is sorted by, whether it is text.
function contentOf(part) {
  const isShown = (cell) => !cell.hidden, table = part.querySelector("table");
  return {
    columns: [...table.tHead.rows[0].cells].filter(isShown).map((cell) => (
      { name: cell.dataset.name, heading: cell.innerText.trim(), isText: cell.matches(".text") })),
    rows: [...table.tBodies].flatMap((body) => [...body.rows]).map((row) => ({
      isSub: row.matches(".sub"),
      cells: [...row.cells].filter(isShown).map((cell) => (
        { text: cell.textContent, key: cell.dataset.key, isText: cell.matches(".text") })),
    })),
    notes: [...part.querySelectorAll(".rest, .notes li")].map((note) => note.textContent),
  };
}

const lines = (parts) => parts.join("\n") + "\n";

function forSpreadsheet({ columns, rows }) {
  const formula = /^'*[=+@-]/; // a spreadsheet would run it: as in the CSV, text gets a leading '
  const mark = ({ key, isText }) => (isText && formula.test(key) ? "'" : "");
  const cell = (own) => mark(own) + own.key.replace("Infinity", "inf").replace(/\s/g, " ");
  return lines([columns.map(({ name }) => name), ...rows.map(({ cells }) => cells.map(cell))].map((row) => row.join("\t")));
}

function asMarkdown({ columns, rows, notes }) {
  const cell = ({ text, isText }, indent) => (isText ? indent + text.replaceAll("|", "\\|") : plain(text));
  const row = (cells) => `| ${cells.join(" | ")} |`;
  return lines([
    row(columns.map(({ heading }) => heading)),
    row(columns.map(({ isText }) => (isText ? ":---" : "---:"))),
    ...rows.map(({ cells, isSub }) => row(cells.map((own) => cell(own, isSub ? "&emsp;" : "")))),
    ...notes.map((note) => `\n${note.replaceAll("<", "&lt;")}`),
  ]);
}

function asLatex({ columns, rows, notes }) {
  const special = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}" };
  const words = (text) => text.replace(/[\\~^&%$#_{}<>³]/g, (mark) => (
    special[mark] ?? (mark === "³" ? "$^3$" : "<>".includes(mark) ? `$${mark}$` : `\\${mark}`)));
  const number = (text) => {
    const [whole, power] = plain(text).split("e");
    return text === "–" ? "--" : text && `$${whole}${power ? ` \\times 10^{${+power}}` : ""}$`;
  };
  const cell = ({ text, isText }, indent) => (isText ? indent + words(text) : number(text));
  const row = (cells) => `${cells.join(" & ")} \\\\`;
  return lines([
    `\\begin{tabular}{${columns.map(({ isText }) => (isText ? "l" : "r")).join("")}}`,
    "\\hline", row(columns.map(({ heading }) => words(heading))), "\\hline",
    ...rows.map(({ cells, isSub }) => row(cells.map((own) => cell(own, isSub ? "\\quad " : "")))),
    "\\hline", "\\end{tabular}",
    ...(notes.length ? ["", "\\noindent\\footnotesize", ...notes.map((note) => `${words(note)}\\\\`)] : []),
  ]);
}

// A word processor takes HTML. It is built from DOM nodes, which escape names.
function forWord({ columns, rows, notes }) {
  const page = document.implementation.createHTMLDocument(), table = page.createElement("table");
  table.style.borderCollapse = "collapse";
  const add = (row, kind, text, isText, indent) => {
    const cell = page.createElement(kind);
    cell.textContent = text;
    Object.assign(cell.style, { textAlign: isText ? "left" : "right", padding: `1pt 5pt 1pt ${indent ? 15 : 5}pt` });
    if (kind === "th") Object.assign(cell.style, { borderTop: "1pt solid", borderBottom: "1pt solid" });
    row.append(cell);
  };
  const head = table.createTHead().insertRow(), body = table.createTBody();
  for (const { heading, isText } of columns) add(head, "th", heading, isText);
  for (const { cells, isSub } of rows) {
    const row = body.insertRow();
    for (const { text, isText } of cells) add(row, "td", text, isText, isText && isSub);
  }
  for (const cell of body.lastElementChild?.cells ?? []) cell.style.borderBottom = "1pt solid";
  page.body.append(table);
  for (const note of notes) page.body.append(Object.assign(page.createElement("p"), { textContent: note }));
  return page.body.innerHTML;
}

const FORMS = { spreadsheet: forSpreadsheet, word: forWord, latex: asLatex, markdown: asMarkdown };

document.addEventListener("click", async ({ target }) => {
  const form = target.dataset?.form, part = target.closest(".manuscript");
  if (!form || !part) return;
  const content = contentOf(part), text = FORMS[form](content), status = part.querySelector(".copies [aria-live]");
  const byHand = part.querySelector("pre"), rest = part.querySelector(".rest")?.textContent;
  byHand.hidden = true;
  status.textContent = "";
  const blobs = { "text/plain": form === "word" ? forSpreadsheet(content) : text };
  if (form === "word") blobs["text/html"] = text;
  try {
    const typed = Object.entries(blobs).map(([type, blob]) => [type, new Blob([blob], { type })]);
    await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(typed))]);
    status.textContent = `copied ${target.textContent}${rest ? `. ${rest}` : ""}`;
  } catch { // no permission to copy: the text is selected, to be copied by hand
    byHand.hidden = false;
    if (form === "word") byHand.innerHTML = text;
    else byHand.textContent = text;
    getSelection().selectAllChildren(byHand);
    status.textContent = "copying is blocked; the text is selected below";
  }
});

document.addEventListener("change", ({ target }) => {
  const table = target.closest(".choose") && target.closest(".manuscript").querySelector("table");
  if (!table) return;
  const column = [...table.tHead.rows[0].cells].findIndex((cell) => cell.dataset.name === target.value);
  for (const row of table.rows) row.cells[column].hidden = !target.checked;
});
