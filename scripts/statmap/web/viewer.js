// The page: the map and its atlases, what is known of a voxel, colours of the scenes, rows that move the crosshair.
const byId = (id) => document.getElementById(id);
const content = JSON.parse(byId("content").textContent);
const map = {
  shape: content.shape, affine: content.affine, toVoxel: inverse(content.affine),
  sides: [0, 1, 2].map((axis) => Math.hypot(...content.affine.slice(0, 3).map((row) => row[axis]))), // of a voxel, mm
  volume: null, isExact: () => true, discoveries: {}, atlases: [],
};
const scenes = []; // that of A; where two variants are compared, that of B after it
// What is shown as A and B (null: nothing): its name, the code of every voxel, the number of regions, cutoff, side and
// rules. Either is a variant or the user's own threshold.
const shown = { A: null, B: null };

// Colours of the voxel accounting and of the difference of two variants. They are colours of regions: none means a
// sign, and every pair differs in grey print and to the colour-blind.
const [GREEN, PURPLE, , , PINK, DARK_GREEN] = content.colours;
const OUTCOMES = [
  { name: "kept", words: "kept", colour: GREEN },
  { name: "too_small", words: "too small", colour: PINK },
  { name: "unseeded", words: "no seed", colour: PURPLE },
  { name: "seed_only", words: "seed only", colour: DARK_GREEN },
];
const DIFFERENCES = [
  { words: "A only", colour: GREEN }, { words: "B only", colour: PINK }, { words: "both", colour: PURPLE },
];
const EVERY_CODE = new Uint8Array(4 * PALETTE_SIDE ** 2).fill(255).fill(0, 0, 4); // drawn, but for 0

const shownSides = () => (shown.B ? ["A", "B"] : ["A"]);
const colourOf = (region) => content.colours[(region - 1) % content.colours.length];
const counted = (number, noun) => `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;
const withMinus = (text) => text.replace("-", "−");
const fixed = (value, digits) => withMinus(value.toFixed(digits).replace(/^-(0[.]?0*)$/, "$1"));

async function unpackAs(Type, base64) {
  return new Type(await (await unpack(base64)).arrayBuffer());
}

async function readMap() {
  const Values = content.bytes === 4 ? Float32Array : Float64Array;
  map.volume = await unpackAs(Values, content.values);
  if (content.coarse) await fillMap(content.coarse);
  for (const [sided, { levels, rises }] of Object.entries(content.discoveries)) {
    let rank = 0;
    map.discoveries[sided] = {
      levels: await unpackAs(Values, levels), ranks: (await unpackAs(Uint32Array, rises)).map((rise) => rank += rise),
    };
  }
  map.atlases = await Promise.all(content.atlases.map(async ({ name, names, wide, labels, percent }) => ({
    name, names, labels: await unpackAs(wide ? Uint16Array : Uint8Array, labels),
    percent: percent && await unpackAs(Uint8Array, percent),
  })));
}

// Of a large map there are the values of voxels that pass in a variant, and means of blocks for the others.
async function fillMap({ step, unit, passes, means }) {
  const bits = await unpackAs(Uint8Array, passes);
  map.isExact = (voxel) => bitAt(bits, voxel);
  map.volume = fillBlocks(map.volume, bits, map.shape, { step, unit, means: await unpackAs(Int16Array, means) });
}

// A variant as it is shown; its codes are unpacked once.
const variantCodes = [];
async function shownVariant(index) {
  const variant = content.variants[index], { name, regions, cutoff, sided, signs, connectivity, extraction } = variant;
  const codes = await (variantCodes[index] ??= unpackAs(Uint16Array, variant.codes));
  return {
    which: index, name, codes, count: regions, cutoff, sided, connectivity, extraction, summary: variant.summary,
    signsApart: signs === "split", hasOneCutoff: variant.atLeast !== null,
  };
}

// ---- what is known of a voxel

// The label of an atlas at a voxel, as the tables write it.
function labelAt({ names, labels, percent }, voxel) {
  const name = names[labels[voxel]];
  return percent && labels[voxel] ? `${percent[voxel]}% ${name}` : name;
}

// What became of a voxel under a variant, or under the user's own threshold.
function outcomeOf(side, voxel) {
  const code = side.codes[voxel], { unnumbered, unseeded, seed_only: seedOnly } = content.codes;
  if (code === 0) return side.hasOneCutoff ? "below the cutoff" : "in no region";
  if (code < unnumbered) return `region ${code}`;
  if (code === unnumbered) return `a region that is not one of the ${(unnumbered - 1).toLocaleString("en-US")} largest`;
  const reason = code === unseeded ? "no seed" : code === seedOnly ? "its cluster holds only its seed"
    : side.extraction === "local_regions" ? "its local region is too small"
      : `its cluster of ${counted(clusterAt(side, voxel).size, "voxel")} is too small`;
  return `passes the cutoff, in no region: ${reason}`;
}

// The voxels of the cluster at a voxel. The last cluster is cached: the pointer mostly stays within it.
let lastCluster = { codes: null, voxels: new Set() };
function clusterAt({ codes, connectivity, signsApart }, voxel) {
  if (lastCluster.codes !== codes || !lastCluster.voxels.has(voxel)) {
    lastCluster = { codes, voxels: clusterOf(voxel, codes, map.volume, map.shape, connectivity, signsApart) };
  }
  return lastCluster.voxels;
}

// A place in words: mm, value, what became of the voxel in what is shown, and its labels.
function describe(mm) {
  const [x, y, z] = mm.map((value) => fixed(value, 1)), voxel = voxelAt(mm, map.shape, map.toVoxel);
  const place = `x ${x}  y ${y}  z ${z} mm`;
  if (voxel < 0) return `${place} · outside of the map`;
  const outcome = shown.B ? ["A", "B"].map((side) => `${side}: ${outcomeOf(shown[side], voxel)}`)
    : [shown.A && outcomeOf(shown.A, voxel)];
  const labels = map.atlases.map((atlas) => `${atlas.name}: ${labelAt(atlas, voxel)}`);
  return [place, `value ${map.isExact(voxel) ? "" : "≈ "}${fixed(map.volume[voxel], 2)}`, ...outcome, ...labels].filter(Boolean).join(" · ");
}

// ---- how the scenes are coloured

const colouring = () => document.querySelector("input[name=colour]:checked").value;

// Codes, number of regions and palette with which a side is drawn, by value, region, accounting or difference.
const PAINTINGS = {
  value: ({ codes, count }) => ({ codes, count, palette: EVERY_CODE }),
  region: ({ codes, count, colourOf: ownColour = colourOf }) => (
    { codes, count, palette: paletteOf(regionColours(count, ownColour)) }),
  accounting: ({ codes, count }) => {
    const lost = OUTCOMES.slice(1).map(({ name, colour }) => [content.codes[name], colour]);
    return { codes, count, palette: paletteOf([...regionColours(count, () => OUTCOMES[0].colour), ...lost]) };
  },
  difference: () => ({
    codes: compareCodes(shown.A.codes, shown.B.codes, content.codes), count: 0,
    palette: paletteOf(DIFFERENCES.map(({ colour }, n) => [n + 1, colour])),
  }),
};

// Pairs of a region's code and its colour.
function regionColours(count, colour) {
  return Array.from({ length: Math.min(count, content.codes.unnumbered) }, (_, n) => [n + 1, colour(n + 1)]);
}

// Draw what is shown, in the colours that are chosen.
function drawScenes() {
  drawScale();
  drawKey();
  if (scenes.length) byId("place").textContent = describe(scenes[0].crosshair);
  scenes.forEach((scene, n) => {
    const side = "AB"[n];
    if (!shown[side]) return;
    const { codes, count, palette } = PAINTINGS[colouring()](shown[side]), { cutoff, sided } = shown[side];
    scene.show({ codes, count, cutoff, sided, colourOf: shown[side].colourOf ?? colourOf });
    chooseRegionAt(scene, scene.crosshair);
    scene.withNumbers = byId("numbered").checked;
    scene.paint({
      palette, byValue: colouring() === "value", faintly: colouring() === "value" && byId("below").checked,
      opacity: Number(byId("opacity").value),
    });
  });
}

// The region at the crosshair shows through the brain; in colours of the difference none does.
function chooseRegionAt(scene, mm) {
  const voxel = voxelAt(mm, map.shape, map.toVoxel), side = shown["AB"[scenes.indexOf(scene)]];
  const code = voxel < 0 || !side || colouring() === "difference" ? 0 : side.codes[voxel];
  scene.choose(code <= content.codes.unnumbered ? code : 0);
}

// The scale of the map, a sign that no voxel has left out, pale where values do not pass (in A).
function drawScale() {
  const { lowest, highest, ramp } = content, { cutoff, sided } = shown.A, middle = (ramp.length - 1) / 2;
  const share = (value) => `${100 * Math.max(0, Math.min(1, value / (highest - lowest)))}%`;
  const stops = ramp.slice(lowest ? 0 : middle, highest ? undefined : middle + 1);
  byId("ramp").style.background = `linear-gradient(90deg, ${stops})`;
  byId("cut").style.left = sided === "positive" ? 0 : share(-cutoff - lowest);
  byId("cut").style.right = sided === "negative" ? 0 : share(highest - cutoff);
  byId("lowest").textContent = lowest ? fixed(lowest, 2) : "0";
  byId("highest").textContent = highest ? fixed(highest, 2) : "0";
  const cutoffs = shownSides().map((side) => [side, cutoffInWords(shown[side])]).filter(([, words]) => words)
    .map(([side, words]) => (shown.B ? `${side} ${words}` : words));
  byId("cutoff").textContent = cutoffs.length ? `cutoff ${cutoffs.join(" · ")}` : "";
}

function cutoffInWords({ cutoff, sided }) {
  if (cutoff > content.largest) return "";
  const { lowest, highest } = content;
  const sign = { two: lowest && highest ? "±" : lowest ? "−" : "", negative: "−", positive: "" }[sided];
  return `${sign}${+cutoff.toPrecision(4)}`;
}

// What the colours mean, with the voxels of each: of the accounting and of the difference.
function keyEntries() {
  if (colouring() === "accounting") {
    return shownSides().flatMap((side) => OUTCOMES.map(({ words, name, colour }) => ({
      colour, words: shown.B ? `${side} ${words}` : words, voxels: accountingOf(shown[side].codes)[name],
    }))).filter(({ voxels }) => voxels > 0);
  }
  if (colouring() !== "difference") return [];
  const counts = countDifference();
  return DIFFERENCES.map(({ words, colour }, n) => ({ colour, words, voxels: counts[n] }));
}

// Numbers of voxels that A only, B only and both keep.
function countDifference() {
  const counts = [0, 0, 0, 0];
  for (const code of compareCodes(shown.A.codes, shown.B.codes, content.codes)) counts[code]++;
  return counts.slice(1);
}

function accountingOf(codes) {
  const { unnumbered } = content.codes;
  const nameOf = new Map(Object.entries(content.codes).map(([name, code]) => [code, name]));
  const counts = { kept: 0, too_small: 0, unseeded: 0, seed_only: 0 };
  for (const code of codes) if (code) counts[code <= unnumbered ? "kept" : nameOf.get(code)]++;
  return counts;
}

function drawKey() {
  byId("key").replaceChildren(...keyEntries().map(({ colour, words, voxels }) => {
    const entry = document.createElement("span");
    entry.style.setProperty("--colour", colour);
    entry.textContent = `${words} ${voxels.toLocaleString("en-US")}`;
    return entry;
  }));
  byId("key").hidden = byId("key").childElementCount === 0;
}

// ---- crosshair, pointer and rows

// One crosshair and one 3D view for all scenes.
function onMove(scene, mm) {
  byId("place").textContent = describe(mm);
  scenes.forEach((other) => {
    chooseRegionAt(other, mm);
    if (other !== scene) other.follow(scene);
  });
  keepPlaceSoon();
}

function onTurn(scene) {
  for (const other of scenes) if (other !== scene) other.follow(scene);
}

// What is under the pointer, beside it.
function onHover(scene, event) {
  const mm = event.buttons ? null : scene.placeUnder(event), tip = scene.element.querySelector(".tip");
  tip.hidden = !mm;
  if (!mm) return;
  tip.textContent = describe(mm);
  const box = scene.element.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
  tip.style.left = `${Math.max(4, Math.min(x + 12, box.width - tip.offsetWidth - 4))}px`;
  tip.style.top = `${y + 16 + tip.offsetHeight > box.height ? y - tip.offsetHeight - 8 : y + 16}px`;
}

async function startScene(element) {
  const scene = new Scene(element, { onMove, onTurn });
  await scene.start();
  scene.canvas.addEventListener("mousemove", (event) => onHover(scene, event));
  scene.canvas.addEventListener("mouseleave", () => { element.querySelector(".tip").hidden = true; });
  return scene;
}

// Go to the peak of a row's region, and turn the 3D view to it.
function jump(row) {
  for (const other of document.querySelectorAll("tr[aria-current]")) other.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  if (!scenes.length) return;
  const mm = JSON.parse(row.dataset.mm);
  scenes[0].lookAt(mm);
  scenes[0].goTo(mm);
}

document.addEventListener("click", (event) => {
  const row = event.target.closest("tbody tr");
  if (row) jump(row);
});
document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.("tbody tr");
  if (!row) return;
  const next = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];
  if (event.key === "Enter" || event.key === " ") jump(row);
  else if (next) next.focus();
  else return;
  event.preventDefault();
});
for (const control of document.querySelectorAll("#colours input")) {
  control.addEventListener("input", () => scenes.length && drawScenes());
}
for (const button of document.querySelectorAll("[data-view]")) {
  button.addEventListener("click", () => scenes[0]?.lookFrom(...VIEWS[button.dataset.view]));
}
byId("cut-away").addEventListener("input", ({ target }) => { for (const scene of scenes) scene.cut(target.checked); });
addEventListener("resize", () => setTimeout(() => { for (const scene of scenes) scene.placeNumbers(); }, 100));
