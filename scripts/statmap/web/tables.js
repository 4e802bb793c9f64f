// Headings of tables sort their column and say what it means. Rows of a cluster stay together.

const FIRST = { strongest: (key) => -Math.abs(key), largest: (key) => -key, smallest: (key) => +key };

function sort(heading) {
  const table = heading.closest("table"), column = heading.cellIndex, rank = FIRST[heading.dataset.first];
  const usual = heading.dataset.first === "smallest" ? "ascending" : "descending";
  const isReversed = heading.getAttribute("aria-sort") === usual;
  for (const other of heading.parentNode.cells) other.setAttribute("aria-sort", "none");
  const reverse = { ascending: "descending", descending: "ascending" };
  heading.setAttribute("aria-sort", isReversed ? reverse[usual] : usual);
  const order = new Intl.Collator("en").compare;
  const compare = ([a], [b]) => (
    (a === "") - (b === "") || (isReversed ? -1 : 1) * (rank(a) - rank(b) || order(a, b)));
  const isClustered = table.matches(".clusters"), body = table.tBodies[0];
  const parts = isClustered ? [...table.tBodies] : [...body.rows];
  const keyed = parts.map((part) => [(isClustered ? part.rows[0] : part).cells[column].dataset.key, part]);
  (isClustered ? table : body).append(...keyed.sort(compare).map(([, part]) => part));
}

// What a heading means, where the pointer or the focus is on it, or a finger tapped it.
const meaning = document.createElement("p");
Object.assign(meaning, { id: "meaning", role: "tooltip", hidden: true });
document.body.append(meaning);

function explain(target) {
  const button = target instanceof Element && target.closest("th[data-meaning] button");
  if (target === meaning) return;
  document.querySelector("[aria-describedby=meaning]")?.removeAttribute("aria-describedby");
  meaning.hidden = !button;
  if (!button) return;
  meaning.textContent = `${button.closest("th").dataset.meaning}.`;
  button.setAttribute("aria-describedby", "meaning");
  const { left, top, bottom } = button.getBoundingClientRect(), { offsetWidth, offsetHeight } = meaning;
  const below = bottom + 4 + offsetHeight <= innerHeight;
  meaning.style.left = `${Math.max(8, Math.min(left, document.documentElement.clientWidth - offsetWidth - 8))}px`;
  meaning.style.top = `${below ? bottom + 4 : Math.max(0, top - 4 - offsetHeight)}px`;
}

for (const event of ["pointerover", "focusin"]) document.addEventListener(event, ({ target }) => explain(target));
document.addEventListener("scroll", () => explain(null), { capture: true, passive: true });
document.addEventListener("keydown", ({ key }) => key === "Escape" && explain(null));
document.addEventListener("click", ({ target }) => {
  const heading = target.closest("th");
  if (!heading) return;
  sort(heading);
  explain(target);
});
