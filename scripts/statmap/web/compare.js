// Two variants side by side: A in the first scene, B in the second, and their regions matched in one table.
const PAIR_COLUMNS = [
  { name: "a", kind: "text" }, { name: "mm3_a", kind: "volume" }, { name: "peak_a", kind: "value" },
  { name: "b", kind: "text" }, { name: "mm3_b", kind: "volume" }, { name: "peak_b", kind: "value" },
  { name: "mm3_both", kind: "volume" }, { name: "dice", kind: "share" },
  { name: "x", kind: "mm" }, { name: "y", kind: "mm" }, { name: "z", kind: "mm" },
  ...content.atlases.map(({ name }) => ({ name: `${name}_peak`, kind: "text" })),
];
let secondScene = null; // promise of the scene of B, created at the first comparison

// Compare A with a variant, with the user's own threshold ("own"), or with nothing ("").
async function compareWith(value) {
  if (value === "own") await showOwn("B");
  else if (value !== "") await showVariant("B", Number(value));
  else await endComparison();
}

async function endComparison() {
  wanted.B = shown.B = null;
  if (colouring() === "difference") document.querySelector('input[name=colour][value="value"]').checked = true;
  await (wanted.A === "own" ? showOwn("A") : showVariant("A", wanted.A));
}

// One scene, or two side by side.
async function arrangeScenes() {
  const isComparing = wanted.B !== null;
  document.querySelector("main").classList.toggle("comparing", isComparing);
  for (const element of document.querySelectorAll(".of-comparison")) element.hidden = !isComparing;
  if (scenes.length) scenes.length = 1;
  if (!isComparing || !scenes.length) return;
  const scene = await (secondScene ??= startScene(byId("scene-b")));
  if (wanted.B === null || scenes.includes(scene)) return; // the comparison ended, or began twice, meanwhile
  scenes.push(scene);
  scene.cut(byId("cut-away").checked);
  scene.follow(scenes[0]);
}

// Regions of a side: voxels, and mm of the peak, by number.
function regionsOf({ which, codes }) {
  const regions = new Map(), peakOf = peaksOf({ which });
  for (const code of codes) {
    if (!code || code >= content.codes.unnumbered) continue;
    if (!regions.has(code)) regions.set(code, { voxels: 0, mm: peakOf(code) });
    regions.get(code).voxels++;
  }
  return regions;
}

// A function that gives the mm of the peak of a region.
function peaksOf({ which }) {
  if (which === "own") return (region) => clusters.regions[region - 1].mm;
  return (region) => content.variants[which].peaks[region - 1];
}

// A row for every pair in which one region is the other's best partner, and for every region that overlaps none. A
// click on it goes to the peak of the region of A, or of B where that of A has a better partner. A region of B has the
// colour of its best partner in A.
function fillPairs() {
  const regions = { a: regionsOf(shown.A), b: regionsOf(shown.B) };
  const pairs = matchRegions(shown.A.codes, shown.B.codes, content.codes.unnumbered - 1);
  const partners = new Map(pairs.filter(({ bestB }) => bestB).map(({ a, b }) => [b, a]));
  shown.B.colourOf = (region) => colourOf(partners.get(region) ?? shown.A.count + region);
  const listed = pairs.filter(({ a, b, bestA, bestB }) => !a || !b || bestA || bestB);
  const rows = listed.slice(0, content.mostRows).map((pair) => {
    const { mm } = pair.a && (pair.bestA || !pair.b) ? regions.a.get(pair.a) : regions.b.get(pair.b);
    const colour = pair.a ? colourOf(pair.a) : shown.B.colourOf(pair.b);
    return rowOf(PAIR_COLUMNS, cellsOfPair(pair, regions, mm), colour, mm);
  });
  fillTable(byId("pairs"), rows);
  byId("no-pairs").hidden = rows.length > 0;
  const rest = rows.length < listed.length ? ` The first ${rows.length} of ${listed.length} pairs.` : "";
  byId("dice").textContent = diceInWords() + rest;
}

function cellsOfPair({ a, b, voxels, dice }, regions, [x, y, z]) {
  const cells = { x, y, z, mm3_both: voxels * content.voxelVolume, dice: a && b ? dice : null };
  for (const [side, number] of [["a", a], ["b", b]]) {
    const region = regions[side].get(number);
    cells[side] = region ? String(number) : "–";
    cells[`mm3_${side}`] = region ? region.voxels * content.voxelVolume : null;
    cells[`peak_${side}`] = region ? map.volume[voxelAt(region.mm, map.shape, map.toVoxel)] : null;
  }
  const voxel = voxelAt([x, y, z], map.shape, map.toVoxel);
  for (const atlas of map.atlases) cells[`${atlas.name}_peak`] = labelAt(atlas, voxel);
  return cells;
}

function diceInWords() {
  const [onlyA, onlyB, both] = countDifference();
  if (onlyA + onlyB + both === 0) return "Neither keeps a voxel.";
  const mm3 = (voxels) => `${written(voxels * content.voxelVolume, "volume")} mm³`;
  const dice = (2 * both / (onlyA + onlyB + 2 * both)).toFixed(3);
  return `Kept by A only ${mm3(onlyA)}, by both ${mm3(both)}, by B only ${mm3(onlyB)}: Dice ${dice}.`;
}

readMap()
  .then(restoreFromAddress)
  .then(() => startScene(byId("scene")))
  .then((scene) => { scenes.push(scene); })
  .then(restoreFromAddress)
  .then(() => {
    byId("message").hidden = true;
    byId("scene").setAttribute("aria-busy", "false");
  })
  .catch((error) => {
    byId("message").textContent = `The viewer cannot start: ${error.message}. The tables still work.`;
    byId("scene").setAttribute("aria-busy", "false");
  });
