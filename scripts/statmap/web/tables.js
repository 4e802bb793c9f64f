function sort(heading) {
  const body = heading.closest("table").tBodies[0], column = heading.cellIndex;
  const down = heading.getAttribute("aria-sort") === "ascending";
  for (const other of heading.parentNode.cells) other.setAttribute("aria-sort", "none");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const order = new Intl.Collator("en").compare;
  const compare = ([a], [b]) => (a === "") - (b === "") || (down ? -1 : 1) * (a - b || order(a, b));
  const rows = [...body.rows].map((row) => [row.cells[column].dataset.key, row]);
  body.append(...rows.sort(compare).map(([, row]) => row));
}

document.addEventListener("click", (event) => {
  const heading = event.target.closest("th");
  if (heading) sort(heading);
});
