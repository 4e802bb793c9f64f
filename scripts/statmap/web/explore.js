// The user's own threshold: cutoff, signs, neighbours and smallest size; its clusters and their table; and the address,
// which records what is shown (#variant=…, or #cutoff=…&signs=…; with=… for B; at=x,y,z for the crosshair).
const SAMPLES = 200; // of the chart
const settings = { cutoff: 0, signs: "split", connectivity: 6, size: 0, unit: "mm³", rule: ">" };
const wanted = { A: 0, B: null }; // what is selected, maybe not unpacked yet: index of a variant, "own", or null
const treesByKind = {}; // by sign and connectivity
const isLarge = content.coarse || map.shape.reduce((product, length) => product * length) > 3e6; // voxels
let clusters = null; // under the settings: { regions, codes }; null in a large map until they are needed

const sidedOf = (signs) => (signs === "positive" || signs === "negative" ? signs : "two");
const isOwnShown = () => wanted.A === "own" || wanted.B === "own";

// A number rounded to the data type of the map, as in the workflow.
const precise = (value) => (content.bytes === 4 ? Math.fround(value) : value);

// ---- clusters

function treesOf({ signs, connectivity }) {
  const kinds = { split: ["positive", "negative"], merged: ["mixed"] }[signs] ?? [signs];
  return kinds.map((kind) => (
    treesByKind[`${kind} ${connectivity}`] ??= growTree(map.volume, map.shape, connectivity, kind)));
}

function fewestVoxels({ size, unit, rule }) {
  if (unit === "mm³") return smallestCluster(size, content.voxelVolume, rule);
  return Math.max(1, rule === ">" ? Math.floor(size) + 1 : Math.ceil(size));
}

// The clusters under some settings, each with its robust interval and its true discovery proportion.
function findClusters(given) {
  const trees = treesOf(given), side = sidedOf(given.signs), { highest } = curvesOf(given);
  const found = findRegions(
    trees, map.volume, map.shape, map.affine, given.cutoff, fewestVoxels(given), content.codes,
  );
  const shares = activeShares(found.codes, found.regions, map.volume, map.discoveries[side], side);
  found.regions.forEach((region, n) => {
    region.high = highest[region.which][region.of];
    region.tdp = shares[n];
  });
  return found;
}

// Number and volume of the clusters over all cutoffs, and the highest cutoff of each; computed again when anything but
// the cutoff changed.
let lastCurves = { key: null };
function curvesOf(given) {
  const key = JSON.stringify([given.signs, given.connectivity, fewestVoxels(given)]);
  if (lastCurves.key === key) return lastCurves;
  const cutoffs = Array.from({ length: SAMPLES + 1 }, (_, n) => limit() * (1 - n / SAMPLES));
  const replays = treesOf(given).map((tree) => replay(tree, fewestVoxels(given), cutoffs));
  const sum = (name) => cutoffs.map((_, n) => replays.reduce((total, one) => total + one[name][n], 0));
  lastCurves = { key, counts: sum("counts"), voxels: sum("voxels"), highest: replays.map((one) => one.highest) };
  return lastCurves;
}

// The clusters as they are shown beside, or in place of, a variant.
function shownClusters() {
  const { cutoff, signs, connectivity } = settings, count = clusters.regions.length;
  return {
    which: "own", name: "own threshold", codes: clusters.codes, count, cutoff, sided: sidedOf(signs), connectivity,
    extraction: "connected_components", signsApart: signs !== "merged", hasOneCutoff: true,
    summary: `${settingsInWords()} · ${count ? counted(count, "region") : "no region"}`,
  };
}

function settingsInWords() {
  const { stat } = content, side = { two: `|${stat}|`, positive: stat, negative: `−${stat}` }[sidedOf(settings.signs)];
  return `${side} ≥ ${+settings.cutoff.toPrecision(4)}, ${settings.connectivity} neighbours`;
}

// ---- the table of clusters

const stepOfSlider = () => 10 ** Math.floor(Math.log10(content.largest / 200));
const limit = () => Math.ceil(content.largest / stepOfSlider()) * stepOfSlider();

// The p value of a peak, from -log10 p between the nodes of viewer.tail_nodes; none for a tail that the statistic does
// not have.
function pValue(value) {
  const { tail, tails, tailPower, largest } = content, { signs } = settings;
  if (!tail || (tails === 1 && signs !== "positive")) return null;
  const signed = signs === "negative" ? -value : signs === "positive" ? value : Math.abs(value);
  const at = Math.min(signed / largest, 1) ** (1 / tailPower) * (tail.length - 1);
  const left = Math.min(Math.floor(at), tail.length - 2);
  const oneTail = 10 ** -(tail[left] + (at - left) * (tail[left + 1] - tail[left]));
  return sidedOf(signs) === "two" ? 2 * oneTail : oneTail;
}

// A number with that many decimals, or more where it needs them for three digits (columns.digits).
function digits(value, decimals) {
  const whole = value ? 1 + Math.floor(Math.log10(Math.abs(value))) : 1;
  const most = Math.max(decimals, 3 - whole);
  return (value || 0).toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: most });
}

function written(value, kind) {
  if (value === null) return "–";
  if (kind === "count") return value.toLocaleString("en-US");
  if (kind === "volume") return digits(value, 0);
  if (kind === "p" && value < 1e-4) return value.toExponential(1).replace(".0", "");
  if (kind === "p") return String(Number(value.toPrecision(2)));
  if (kind === "percent") return `${Math.round(100 * value)}%`;
  if (kind === "share") return value.toFixed(3);
  return kind === "mm" ? digits(value, 1) : kind === "value" ? value.toFixed(2) : String(value);
}

// A row that steers the scene: its cells by column, the colour of its region, and the mm of its peak.
function rowOf(columns, cells, colour, mm) {
  const row = document.createElement("tr");
  row.tabIndex = 0;
  row.dataset.mm = JSON.stringify(mm);
  row.style.setProperty("--colour", colour);
  for (const { name, kind } of columns) {
    const cell = row.insertCell();
    cell.dataset.key = cells[name] ?? "";
    cell.textContent = kind === "text" ? cells[name] ?? "" : withMinus(written(cells[name], kind));
    if (kind === "text") cell.className = "text";
  }
  return row;
}

function cellsOf(region, n) {
  const labels = map.atlases.map((atlas) => [`${atlas.name}_peak`, labelAt(atlas, region.peak)]);
  return {
    region: n + 1, sign: region.sign, n_voxels: region.voxels, volume_mm3: region.voxels * content.voxelVolume,
    peak_value: region.value, peak_x: region.mm[0], peak_y: region.mm[1], peak_z: region.mm[2],
    p_peak: pValue(region.value), tdp: region.tdp, robust_low: region.low, robust_high: region.high,
    ...Object.fromEntries(labels),
  };
}

function fillTable(part, rows) {
  part.querySelector("tbody").replaceChildren(...rows);
  for (const heading of part.querySelectorAll("th")) heading.setAttribute("aria-sort", "none");
}

function fillClusters() {
  const { regions } = clusters, listed = regions.slice(0, content.mostRows);
  fillTable(document.querySelector('[data-variant="own"]'), listed.map((region, n) => (
    rowOf(content.columns, cellsOf(region, n), colourOf(n + 1), region.mm))));
  byId("more").hidden = listed.length === regions.length && listed.length > 0;
  byId("more").textContent = listed.length ? `The ${listed.length} largest of ${regions.length} regions.`
    : "No region at this cutoff.";
}

// ---- chart and controls

function drawChart() {
  const { counts, voxels } = curvesOf(settings), most = Math.max(1, ...counts), log = (n) => Math.log10(1 + n);
  const line = (heights) => heights.map((height, n) => `${SAMPLES - n},${98 - 94 * height}`).join(" ");
  const largest = log(Math.max(1, ...voxels));
  byId("chart").querySelector(".count").setAttribute("points", line(counts.map((count) => count / most)));
  byId("chart").querySelector(".volume").setAttribute("points", line(voxels.map((n) => log(n) / largest)));
}

// Number and volume of the clusters, and why a variant has another number of regions at the same cutoff.
function countClusters() {
  byId("explore").classList.toggle("uncounted", !clusters);
  if (!clusters) {
    byId("clusters").textContent = "move the cutoff to count the clusters";
    return;
  }
  const { regions } = clusters, voxels = regions.reduce((sum, region) => sum + region.voxels, 0);
  byId("clusters").textContent = counted(regions.length, "cluster");
  byId("volume").textContent = `${written(voxels * content.voxelVolume, "volume")} mm³ (logarithmic)`;
  byId("difference-in-number").textContent = isOwnShown() ? "" : reasonForOtherNumber(content.variants[wanted.A]);
}

function reasonForOtherNumber({ regions, extraction, atLeast }) {
  const has = `The variant has ${regions ? counted(regions, "region") : "no region"}`;
  if (atLeast === null && regions) return `${has}, each at its own cutoff; the clusters here are at the lowest one.`;
  if (extraction !== "local_regions") return "";
  return `${has}: local_regions divides clusters between their seeds and drops clusters without a seed.`;
}

function showControls() {
  byId("slide").value = settings.cutoff;
  if (document.activeElement !== byId("at")) byId("at").value = Number(settings.cutoff.toPrecision(7));
  if (document.activeElement !== byId("size")) byId("size").value = settings.size;
  for (const id of ["signs", "connectivity", "rule", "unit"]) byId(id).value = settings[id];
  const x = SAMPLES * Math.min(1, settings.cutoff / limit()), line = byId("chart").querySelector("line");
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  byId("yaml").hidden = true;
}

// ---- what is shown

// Update header, table and address. The scenes, which take longer to draw, are drawn separately.
function showPage() {
  for (const side of ["A", "B"]) byId(side === "A" ? "variant" : "with").value = wanted[side] ?? "";
  byId("summary").textContent = shownSides()
    .map((side) => (shown.B ? `${side}: ${shown[side].summary}` : shown[side].summary)).join(" — ");
  const table = shown.B ? "pairs" : String(wanted.A);
  for (const part of document.querySelectorAll("[data-variant]")) part.hidden = part.dataset.variant !== table;
  if (shown.B) fillPairs();
  else if (wanted.A === "own") fillClusters();
  showControls();
  countClusters();
  drawScale();
  keepAddress();
}

// Where drawing is slow (WebGL in software), the scenes are drawn only once the control has stopped moving.
let drawing = null, lasted = 0;
function drawScenesSoon() {
  clearTimeout(drawing);
  drawing = setTimeout(() => {
    drawing = null;
    const start = performance.now();
    drawScenes();
    lasted = performance.now() - start;
  }, lasted > 50 ? 150 : 0);
}

// Find the clusters of the settings and show them, as A unless they are B.
function showClusters() {
  if (!isOwnShown()) wanted.A = "own";
  clusters = findClusters(settings);
  for (const side of ["A", "B"]) if (wanted[side] === "own") shown[side] = shownClusters();
  drawChart();
  showPage();
  if (scenes.length) drawScenesSoon();
}

// Show a variant as A or B, its scene at the peak of its first region.
async function showVariant(side, index) {
  if (scenes.length) byId("scene").setAttribute("aria-busy", "true");
  wanted[side] = index;
  const variant = await shownVariant(index);
  if (wanted[side] !== index) return; // another was chosen meanwhile
  shown[side] = variant;
  if (!isOwnShown()) {
    Object.assign(settings, settingsOf(content.variants[wanted.A]));
    clusters = isLarge ? null : findClusters(settings); // slow: computed when the user moves the cutoff
  }
  await arrangeScenes();
  showPage();
  if (clusters) drawChart();
  if (scenes.length) {
    drawScenes();
    const first = document.querySelector("[data-variant]:not([hidden]) tbody tr");
    if (first && side === "A") jump(first);
    byId("scene").setAttribute("aria-busy", "false");
  }
}

// Events that arrive before the next frame share one computation.
let isDue = false;
function change(changes) {
  Object.assign(settings, changes);
  if (isDue) return;
  isDue = true;
  setTimeout(() => { isDue = false; showClusters(); });
}

// A smallest size as the config has it, "10 voxels" or mm³, and back.
function extentOf(text) {
  const [number, inVoxels] = String(text).split(" ");
  return Number(number) >= 0 ? { size: Number(number), unit: inVoxels ? "voxels" : "mm³" } : {};
}
function extentText({ size, unit, rule }) {
  if (unit === "mm³") return String(size);
  return counted(rule === ">" ? Math.floor(size) : Math.ceil(size), "voxel").replace(",", "");
}

// The same smallest size in the other unit: that keeps the same clusters.
function extentIn(unit, given) {
  if (unit === given.unit) return {};
  const fewest = fewestVoxels(given), voxels = given.rule === ">" ? fewest - 1 : fewest;
  const mm3 = Number((voxels * content.voxelVolume).toPrecision(6));
  return { unit, size: unit === "voxels" ? voxels : mm3 };
}

// A variant's settings; with its cutoff the clusters are those of its regions.csv, where it extracts components.
function settingsOf({ atLeast, cutoff, signs, sided, connectivity, extent, rule }) {
  return { cutoff: atLeast ?? cutoff, signs: sided === "two" ? signs : sided, connectivity, ...extentOf(extent), rule };
}

// ---- the settings as a variant of the config

// YAML reads 3 as an integer and 1e-7 as text.
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

// The lowest number of the map's precision that no voxel below the cutoff reaches.
function notBelow(cutoff) {
  const rounded = precise(cutoff);
  if (rounded >= cutoff) return rounded;
  const bits = new Uint32Array(new Float32Array([rounded]).buffer);
  bits[0]++;
  return new Float32Array(bits.buffer)[0];
}

// The variant that has this cutoff; of several, preferably one with the same settings.
function variantOfCutoff() {
  const same = (variant, keys) => keys.every((key) => settingsOf(variant)[key] === settings[key]);
  const candidates = content.variants.filter(({ atLeast, sided }) => (
    atLeast === settings.cutoff && sided === sidedOf(settings.signs)));
  const isSame = (variant) => (
    variant.extraction === "connected_components" && same(variant, Object.keys(settings)));
  const exact = candidates.find(isSame);
  return { variant: exact ?? candidates[0], isSame: Boolean(exact) };
}

// The settings as keys of a variant, written out.
function settingKeys() {
  return {
    sided: sidedOf(settings.signs), signs: settings.signs === "merged" ? "merged" : "split",
    extract_type: "connected_components", connectivity: String(settings.connectivity),
    min_region_size: extentText(settings), size_rule: `"${settings.rule}"`,
  };
}

// What is shown as a variant of the config: one of the study in its own words; its threshold with other settings; or a
// number.
function variantText() {
  if (!isOwnShown()) return textOf(content.variants[wanted.A].name, content.variants[wanted.A].written);
  const { variant, isSame } = variantOfCutoff();
  if (isSame) return textOf(variant.name, variant.written);
  const number = shortest(notBelow(settings.cutoff)), name = `own-${number}`.replace(/[^\w.-]/g, "");
  if (!variant) return textOf(name, { threshold: inYaml(number), cutoff_rule: '">="', ...settingKeys() });
  const { cluster_p: byP, cluster_q: byQ, ...others } = variant.written; // the smallest size is written out
  return textOf(name, { ...others, ...settingKeys() });
}

function textOf(name, keys) {
  const lines = Object.entries(keys).map(([key, value]) => `    ${key}: ${value}\n`);
  return `variants:\n  ${name}:\n${lines.join("")}`;
}

byId("copy").addEventListener("click", async () => {
  const text = byId("yaml");
  text.textContent = variantText();
  text.hidden = false;
  getSelection().selectAllChildren(text);
  try {
    await navigator.clipboard.writeText(text.textContent);
  } catch { /* no permission to copy: the text is selected instead */ }
});

// ---- the address

function keepAddress() {
  const nameOf = (which) => (which === "own" ? "own" : content.variants[which].name);
  const parts = wanted.A === "own" ? {} : { variant: nameOf(wanted.A) };
  if (isOwnShown()) {
    const { cutoff, signs, connectivity, rule } = settings;
    Object.assign(parts, { cutoff: shortest(cutoff), signs, connectivity, size: extentText(settings), rule });
  }
  if (wanted.B !== null) parts.with = nameOf(wanted.B);
  if (scenes.length) parts.at = scenes[0].crosshair.map((mm) => Number(mm.toFixed(1)) + 0).join(",");
  const fragment = `#${new URLSearchParams(parts)}`.replaceAll("%2C", ",");
  try {
    if (location.hash !== fragment) history.replaceState(null, "", fragment);
  } catch { /* a page inside a report cannot change its address */ }
  const back = byId("to-map");
  if (back) back.hash = wanted.A === "own" ? "" : encodeURIComponent(nameOf(wanted.A));
}

// The crosshair is written to the address when dragging pauses: browsers limit how often the address may change.
let keeping = null;
function keepPlaceSoon() {
  clearTimeout(keeping);
  keeping = setTimeout(keepAddress, 300);
}

// Show what the address says; the first variant where it says nothing.
async function restoreFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)), cutoff = Number((!content.coarse && given.get("cutoff")) || NaN);
  const indexOf = (name) => content.variants.findIndex((variant) => variant.name === name);
  const index = indexOf(given.get("variant")), other = given.get("with");
  const place = (given.get("at") ?? "").split(",").map(Number);
  wanted.B = shown.B = null;
  if (cutoff >= 0) takeSettings(given, cutoff);
  if (cutoff >= 0 && other === "own") wanted.B = "own";
  await (cutoff >= 0 && index < 0 ? showOwn("A") : showVariant("A", Math.max(index, 0)));
  if (wanted.B === "own") await showOwn("B");
  else if (indexOf(other) >= 0) await showVariant("B", indexOf(other));
  if (scenes.length && place.length === 3 && place.every(Number.isFinite)) scenes[0].goTo(place);
}

function takeSettings(given, cutoff) {
  const isOffered = (id) => [...byId(id).options].some(({ value }) => value === given.get(id));
  // The cutoff of a variant may lie between two values of the map's data type.
  settings.cutoff = shortest(precise(cutoff)) === cutoff ? precise(cutoff) : cutoff;
  for (const id of ["signs", "rule"]) if (isOffered(id)) settings[id] = given.get(id);
  if (isOffered("connectivity")) settings.connectivity = Number(given.get("connectivity"));
  if (given.has("size")) Object.assign(settings, extentOf(given.get("size")));
}

async function showOwn(side) {
  wanted[side] = "own";
  await arrangeScenes();
  showClusters();
}

// ---- controls

byId("slide").step = stepOfSlider();
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
byId("unit").addEventListener("input", ({ target }) => change(extentIn(target.value, settings)));
byId("connectivity").addEventListener("input", ({ target }) => change({ connectivity: Number(target.value) }));
byId("explore").addEventListener("submit", (event) => event.preventDefault());
byId("explore").addEventListener("click", ({ target }) => {
  const button = target.closest("[data-cut]");
  if (button) change(settingsOf(content.variants[button.dataset.cut]));
});
for (const kind of ["pointerdown", "pointermove"]) {
  byId("chart").addEventListener(kind, (event) => {
    if (!event.buttons) return;
    const { left, width } = byId("chart").getBoundingClientRect(), step = stepOfSlider();
    const share = Math.max(0, Math.min(1, (event.clientX - left) / width));
    change({ cutoff: precise(Number((Math.round(share * limit() / step) * step).toPrecision(7))) });
  });
}
byId("variant").addEventListener("change", ({ target }) => (
  target.value === "own" ? showOwn("A") : showVariant("A", Number(target.value))));
byId("with").addEventListener("change", ({ target }) => compareWith(target.value));
addEventListener("hashchange", restoreFromAddress);
