// The threshold to move: cutoff, signs, connectivity and smallest size, the clusters that they give, and the address
// that keeps them (#variant=…, or #cutoff=…&signs=…).
const MOST_ROWS = 500; // of the table: the largest clusters
const SAMPLES = 200; // of the chart
const own = { cutoff: 0, signs: "split", connectivity: 6, size: 0, rule: ">" };
const sidedOf = (signs) => (signs === "positive" || signs === "negative" ? signs : "two");
const grown = {}; // trees by signs and connectivity
let found = { regions: [], labels: null };

// A number as the workflow takes it: in the precision of the map.
const precise = (value) => (content.bytes === 4 ? Math.fround(value) : value);

function trees({ signs, connectivity }) {
  const kinds = { split: ["positive", "negative"], merged: ["mixed"] }[signs] ?? [signs];
  return kinds.map((kind) => (grown[`${kind} ${connectivity}`] ??= growTree(map.volume, map.shape, connectivity, kind)));
}

const smallestOf = ({ size, rule }) => smallestCluster(size, content.voxelVolume, rule);

// The clusters of a state, with the cutoffs between which each stands by itself.
function explore(state) {
  const forest = trees(state), smallest = smallestOf(state);
  found = findRegions(forest, map.volume, map.shape, map.affine, state.cutoff, smallest);
  const { highest } = curves(state);
  for (const region of found.regions) region.high = highest[region.which][region.of];
  const shares = activeShares(found.labels, found.regions, map.volume, map.discoveries[sidedOf(state.signs)], sidedOf(state.signs));
  found.regions.forEach((region, n) => { region.tdp = shares[n]; });
  return found;
}

// Number and volume of the clusters over all cutoffs, and the highest cutoff of each; kept until something else changes.
let kept = { key: null };
function curves(state) {
  const key = JSON.stringify([state.signs, state.connectivity, smallestOf(state)]);
  if (kept.key === key) return kept;
  const cutoffs = Array.from({ length: SAMPLES + 1 }, (_, n) => limit() * (1 - n / SAMPLES));
  const replays = trees(state).map((tree) => replay(tree, smallestOf(state), cutoffs));
  const sum = (name) => cutoffs.map((_, n) => replays.reduce((total, one) => total + one[name][n], 0));
  const highest = replays.map((one) => one.highest);
  return (kept = { key, counts: sum("counts"), voxels: sum("voxels"), highest });
}

const step = () => 10 ** Math.floor(Math.log10(content.largest / 200));
const limit = () => Math.ceil(content.largest / step()) * step();

// The p value of a peak, from -log10 p at even steps; none for a tail that the statistic does not have.
function p(value) {
  const { tail, tails } = content;
  if (!tail || (tails === 1 && own.signs !== "positive")) return null;
  const signed = own.signs === "negative" ? -value : own.signs === "positive" ? value : Math.abs(value);
  const at = Math.min(signed / content.largest, 1) * (tail.length - 1), left = Math.min(Math.floor(at), tail.length - 2);
  const one = 10 ** -(tail[left] + (at - left) * (tail[left + 1] - tail[left]));
  return sidedOf(own.signs) === "two" ? 2 * one : one;
}

function written(value, kind) {
  if (value === null) return "–";
  if (kind === "count" || kind === "volume") return Math.round(value).toLocaleString("en-US");
  if (kind === "p") return value < 1e-4 ? value.toExponential(1).replace(".0", "") : String(Number(value.toPrecision(2)));
  if (kind === "percent") return `${Math.round(100 * value)}%`;
  return kind === "mm" ? value.toFixed(1) : kind === "value" ? value.toFixed(2) : String(value);
}

function fillTable() {
  const part = document.querySelector('[data-variant="own"]'), body = part.querySelector("tbody");
  const rows = found.regions.slice(0, MOST_ROWS).map((region, n) => {
    const row = document.createElement("tr");
    row.tabIndex = 0;
    row.dataset.mm = JSON.stringify(region.mm);
    row.style.setProperty("--colour", colourOf(n + 1));
    const cells = {
      region: n + 1, sign: region.sign, n_voxels: region.voxels, volume_mm3: region.voxels * content.voxelVolume,
      peak_value: region.value, peak_x: region.mm[0], peak_y: region.mm[1], peak_z: region.mm[2],
      p_peak: p(region.value), tdp: region.tdp, robust_low: region.low, robust_high: region.high,
    };
    for (const { name, kind } of content.columns) {
      const cell = row.insertCell();
      cell.dataset.key = cells[name] ?? "";
      cell.textContent = written(cells[name], kind).replace("-", "−");
      if (kind === "text") cell.className = "text";
    }
    return row;
  });
  body.replaceChildren(...rows);
  for (const heading of part.querySelectorAll("th")) heading.setAttribute("aria-sort", "none");
  const more = found.regions.length - rows.length;
  byId("more").hidden = more === 0 && rows.length > 0;
  byId("more").textContent = rows.length ? `The ${rows.length} largest of ${found.regions.length}.` : "No region here.";
}

function drawChart() {
  const { counts, voxels } = curves(own), most = Math.max(1, ...counts), log = (n) => Math.log10(1 + n);
  const line = (heights) => heights.map((height, n) => `${SAMPLES - n},${98 - 94 * height}`).join(" ");
  const largest = log(Math.max(1, ...voxels));
  byId("chart").querySelector(".count").setAttribute("points", line(counts.map((count) => count / most)));
  byId("chart").querySelector(".volume").setAttribute("points", line(voxels.map((n) => log(n) / largest)));
}

function say() {
  const kept = found.regions.reduce((sum, region) => sum + region.voxels, 0), count = found.regions.length;
  byId("clusters").textContent = `${count.toLocaleString("en-US")} connected component${count === 1 ? "" : "s"}`;
  byId("volume").textContent = `${written(kept * content.voxelVolume, "volume")} mm³ (logarithmic)`;
}

// Show the controls as the state has them.
function applyNow() {
  byId("slide").value = own.cutoff;
  if (document.activeElement !== byId("at")) byId("at").value = Number(own.cutoff.toPrecision(7));
  if (document.activeElement !== byId("size")) byId("size").value = own.size;
  for (const id of ["signs", "connectivity", "rule"]) byId(id).value = own[id];
  const x = SAMPLES * Math.min(1, own.cutoff / limit()), line = byId("chart").querySelector("line");
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  byId("yaml").hidden = true;
}

// The scene follows when the hand rests, where drawing it takes long (WebGL in software).
let drawing = null, lasted = 0;
function drawSoon() {
  clearTimeout(drawing);
  drawing = setTimeout(() => {
    drawing = null;
    if (chosen !== "own") return;
    const start = performance.now();
    drawRegions(found.labels, found.regions.length, own.cutoff, sidedOf(own.signs));
    lasted = performance.now() - start;
  }, lasted > 50 ? 150 : 0);
}

// What a move of a control leads to. The table and the scene follow the state, not a variant.
function recompute() {
  chosen = "own";
  explore(own);
  applyNow();
  drawChart();
  say();
  fillTable();
  const count = found.regions.length;
  byId("variant").value = "own";
  byId("summary").textContent = `${asText()} · ${count || "no"} region${count === 1 ? "" : "s"}`;
  showTable("own");
  drawScale(own.cutoff, sidedOf(own.signs));
  if (regions) drawSoon();
  keep();
}

function asText() {
  const left = { two: `|${content.stat}|`, positive: content.stat, negative: `−${content.stat}` }[sidedOf(own.signs)];
  return `${left} ≥ ${+own.cutoff.toPrecision(4)}, ${own.connectivity} neighbours`;
}

// Several events before a frame are one recomputation.
let due = false;
function change(changes) {
  Object.assign(own, changes);
  if (due) return;
  due = true;
  setTimeout(() => { due = false; recompute(); });
}

// Take a variant's settings; with its cutoff the clusters are those of its regions.csv, where it extracts components.
function settingsOf(variant) {
  const { atLeast, signs, sided, connectivity, size, rule } = variant;
  return { cutoff: atLeast ?? variant.cutoff, signs: sided === "two" ? signs : sided, connectivity, size, rule };
}

async function choose(index) {
  Object.assign(own, settingsOf(content.variants[index]));
  await show(index);
  if (chosen !== index) return;
  applyNow();
  keep();
  if (map.volume.length < 1e6) sketch(); // what takes long waits until it is asked for
}

// The chart of a variant, and what connected components would give at its cutoff.
function sketch() {
  explore(own);
  drawChart();
  say();
}

// YAML takes 3 for a whole number and 1e-7 for text.
function inYaml(number) {
  const text = String(number);
  return text.includes("e") ? number.toFixed(20).replace(/0+$/, "") : text.includes(".") ? text : `${text}.0`;
}

// The shortest number that is read as this one in the precision of the map: 3.3 for the 3.299999952… of a float32.
function shortest(number) {
  let digits = 1;
  while (digits < 17 && precise(Number(number.toPrecision(digits))) !== number) digits++;
  return Number(number.toPrecision(digits));
}

// The variant as the config has it.
function variantText() {
  let cutoff = precise(own.cutoff);
  if (cutoff < own.cutoff) {
    const bits = new Uint32Array(new Float32Array([cutoff]).buffer);
    bits[0]++;
    [cutoff] = new Float32Array(bits.buffer);
  }
  const number = shortest(cutoff), name = `own-${number}`.replace(/[^\w.-]/g, "");
  const lines = [
    `threshold: ${inYaml(number)}`, 'cutoff_rule: ">="', `sided: ${sidedOf(own.signs)}`,
    `signs: ${own.signs === "merged" ? "merged" : "split"}`, "extract_type: connected_components",
    `connectivity: ${own.connectivity}`, `min_region_size: ${own.size}`, `size_rule: "${own.rule}"`,
  ];
  return `variants:\n  ${name}:\n${lines.map((line) => `    ${line}\n`).join("")}`;
}

byId("copy").addEventListener("click", async () => {
  const shown = byId("yaml");
  shown.textContent = variantText();
  shown.hidden = false;
  getSelection().selectAllChildren(shown);
  try {
    await navigator.clipboard.writeText(shown.textContent);
  } catch { /* no permission: it is selected */ }
});

// The state in the address, and back.
function keep() {
  const parts = chosen === "own"
    ? { cutoff: shortest(own.cutoff), signs: own.signs, connectivity: own.connectivity, size: own.size, rule: own.rule }
    : { variant: content.variants[chosen].name };
  const fragment = `#${new URLSearchParams(parts)}`;
  try {
    if (location.hash !== fragment) history.replaceState(null, "", fragment);
  } catch { /* a page inside another one has no address */ }
  const back = byId("to-map");
  if (back) back.hash = chosen === "own" ? "" : encodeURIComponent(content.variants[chosen].name);
}

async function restore() {
  const given = new URLSearchParams(location.hash.slice(1));
  const index = content.variants.findIndex(({ name }) => name === given.get("variant"));
  const cutoff = Number(given.get("cutoff") ?? NaN);
  await choose(Math.max(index, 0));
  if (!(cutoff >= 0)) return;
  const offered = (id) => [...byId(id).options].some(({ value }) => value === given.get(id));
  own.cutoff = shortest(precise(cutoff)) === cutoff ? precise(cutoff) : cutoff; // that of a variant may lie between
  for (const id of ["signs", "rule"]) if (offered(id)) own[id] = given.get(id);
  if (offered("connectivity")) own.connectivity = Number(given.get("connectivity"));
  if (Number(given.get("size")) >= 0) own.size = Number(given.get("size"));
  recompute();
}

byId("slide").step = step();
byId("slide").max = limit();
byId("limit").textContent = +limit().toPrecision(4);
byId("slide").addEventListener("input", () => change({ cutoff: precise(Number(byId("slide").value)) }));
for (const id of ["at", "size"]) {
  byId(id).addEventListener("input", ({ target }) => {
    const value = target.valueAsNumber;
    if (value >= 0) change(id === "at" ? { cutoff: precise(value) } : { size: value });
  });
}
for (const id of ["signs", "rule"]) byId(id).addEventListener("input", ({ target }) => change({ [id]: target.value }));
byId("connectivity").addEventListener("input", ({ target }) => change({ connectivity: Number(target.value) }));
byId("explore").addEventListener("submit", (event) => event.preventDefault());
byId("explore").addEventListener("click", ({ target }) => {
  const button = target.closest("[data-cut]");
  if (button) change(settingsOf(content.variants[button.dataset.cut]));
});
for (const kind of ["pointerdown", "pointermove"]) {
  byId("chart").addEventListener(kind, (event) => {
    if (!event.buttons) return;
    const { left, width } = byId("chart").getBoundingClientRect();
    const share = Math.max(0, Math.min(1, (event.clientX - left) / width));
    change({ cutoff: precise(Number((Math.round(share * limit() / step()) * step()).toPrecision(7))) });
  });
}
byId("variant").addEventListener("change", ({ target }) => (
  target.value === "own" ? recompute() : choose(Number(target.value))));
addEventListener("hashchange", restore);

readMap()
  .then(restore)
  .then(start)
  .then(restore)
  .then(() => { byId("message").hidden = true; })
  .catch((error) => {
    byId("message").textContent = `The viewer cannot start: ${error.message}. The tables still work.`;
    byId("scene").setAttribute("aria-busy", "false");
  });
