// The scene: template, map and regions in NiiVue, the scale below it, the numbers on the regions, and the tables.
const byId = (id) => document.getElementById(id);
const content = JSON.parse(byId("content").textContent);
const map = { shape: content.shape, affine: content.affine, volume: null, discoveries: {} }; // the values, exact: from the map's NIfTI
let viewer, image, regions, labelled = null, chosen = null;

async function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
}

async function readMap() {
  const values = await (await unpack(content.map)).arrayBuffer();
  map.volume = content.bytes === 4 ? new Float32Array(values, 352) : new Float64Array(values, 352);
  for (const [sided, { levels, ranks }] of Object.entries(content.discoveries)) {
    const [first, second] = await Promise.all([levels, ranks].map(async (own) => (await unpack(own)).arrayBuffer()));
    map.discoveries[sided] = { levels: new Float64Array(first), ranks: new Uint32Array(second) };
  }
}

function volume(base64, options) {
  return niivue.NVImage.loadFromBase64({ base64, name: "volume.nii.gz", ...options });
}

function channels(colours) {
  const channel = (at) => colours.map((colour) => parseInt(colour.slice(at, at + 2), 16));
  return { R: channel(1), G: channel(3), B: channel(5) };
}

const colourOf = (region) => content.colours[(region - 1) % content.colours.length];

function describe(place) {
  const [x, y, z] = place.mm;
  const fixed = (value, digits) => value.toFixed(digits).replace(/^-(0[.]0+)$/, "$1").replace("-", "−");
  const [, value, region] = place.values.map((own) => own.value);
  byId("place").textContent = `x ${fixed(x, 1)}  y ${fixed(y, 1)}  z ${fixed(z, 1)} mm · value ${fixed(value, 2)}`
    + (region ? ` · region ${region}` : "");
  placeNumbers();
}

function goTo(mm) {
  viewer.scene.crosshairPos = viewer.mm2frac(mm).map((share) => Math.min(1, Math.max(0, share)));
  viewer.createOnLocationChange();
  viewer.drawScene();
}

function jump(row) {
  for (const other of document.querySelectorAll("tr[aria-current]")) other.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  if (viewer) goTo(JSON.parse(row.dataset.mm));
}

// The scale of the map, a sign that no voxel has left out, pale where values do not pass.
function drawScale(cutoff, sided) {
  const { lowest, highest, ramp } = content, middle = (ramp.length - 1) / 2;
  const share = (value) => `${100 * Math.max(0, Math.min(1, value / (highest - lowest)))}%`;
  byId("ramp").style.background = `linear-gradient(90deg, ${ramp.slice(lowest ? 0 : middle, highest ? undefined : middle + 1)})`;
  byId("cut").style.left = sided === "positive" ? 0 : share(-cutoff - lowest);
  byId("cut").style.right = sided === "negative" ? 0 : share(highest - cutoff);
  byId("lowest").textContent = lowest ? `−${(-lowest).toFixed(2)}` : "0";
  byId("highest").textContent = highest ? highest.toFixed(2) : "0";
  const sign = { two: lowest && highest ? "±" : lowest ? "−" : "", negative: "−", positive: "" }[sided];
  byId("cutoff").textContent = cutoff > content.largest ? "" : `cutoff ${sign}${+cutoff.toPrecision(4)}`;
}

function showTable(which) {
  for (const part of document.querySelectorAll("[data-variant]")) part.hidden = part.dataset.variant !== String(which);
}

// Put regions into the scene: the region of every voxel (from 1), their number, the cutoff and the side.
function drawRegions(labels, count, cutoff, sided) {
  drawScale(cutoff, sided);
  if (!viewer) return;
  regions.img = labels;
  regions.setColormapLabel(channels(["#000000", ...Array.from({ length: count }, (_, n) => colourOf(n + 1))]));
  const top = Math.max(content.largest, cutoff), never = 10 * top;
  [image.cal_min, image.cal_max] = sided === "negative" ? [never, 2 * never] : [cutoff, top];
  [image.cal_minNeg, image.cal_maxNeg] = sided === "positive" ? [-2 * never, -never] : [-top, -cutoff];
  labelled = null;
  redraw();
  viewer.createOnLocationChange();
}

async function show(index) {
  const variant = content.variants[index];
  chosen = index;
  byId("variant").value = String(index);
  byId("summary").textContent = variant.summary;
  showTable(index);
  drawScale(variant.cutoff, variant.sided);
  if (!viewer) return;
  byId("scene").setAttribute("aria-busy", "true");
  const labels = await volume(variant.labels);
  if (chosen !== index) return; // another was chosen meanwhile
  if (!regions) viewer.addVolume(regions = labels);
  drawRegions(labels.img, variant.regions, variant.cutoff, variant.sided);
  const first = document.querySelector(`[data-variant="${index}"] tbody tr`);
  if (first) jump(first);
  byId("scene").setAttribute("aria-busy", "false");
}

function redraw() {
  const byRegion = byId("by-region").checked;
  image.opacity = byRegion ? 0 : 1;
  regions.opacity = byRegion ? 1 : 0;
  image.colormapType = byId("below").checked ? 1 : 2; // alpha (value / cutoff)^2, or 0
  viewer.overlayAlphaShader = Number(byId("opacity").value);
  viewer.updateGLVolume();
}

// Where the regions are: index, region and mm of each of their voxels.
function locate() {
  const inside = [];
  regions.img.forEach((region, voxel) => { if (region) inside.push(voxel); });
  const places = [0, 1, 2].map(() => new Float32Array(inside.length));
  inside.forEach((voxel, n) => { [places[0][n], places[1][n], places[2][n]] = toMm(voxel, map.shape, map.affine); });
  labelled = { region: inside.map((voxel) => regions.img[voxel]), places };
}

// The number of each region on each slice that cuts it, at the voxel nearest to the middle of the cut.
const MOST_NUMBERS = 40; // on a slice, the largest cuts first
let waiting = false;
function placeNumbers() {
  if (waiting || !regions) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    const numbers = [];
    if (byId("numbered").checked) {
      if (!labelled) locate();
      const crosshair = viewer.frac2mm(viewer.scene.crosshairPos);
      for (const [axis, slice] of [[2, 0], [1, 1], [0, 2]]) numbers.push(...numbersOn(axis, slice, crosshair[axis]));
    }
    byId("numbers").replaceChildren(...numbers);
  });
}

function numbersOn(axis, slice, at) {
  const { region, places } = labelled, cuts = new Map();
  const half = map.affine[axis].slice(0, 3).reduce((sum, step) => sum + Math.abs(step), 0) / 2 + 1e-3;
  for (let n = 0; n < region.length; n++) {
    if (Math.abs(places[axis][n] - at) > half) continue;
    const cut = cuts.get(region[n]) ?? { voxels: [], sum: [0, 0, 0] };
    cuts.set(region[n], cut);
    cut.voxels.push(n);
    for (const along of [0, 1, 2]) cut.sum[along] += places[along][n];
  }
  const ratio = byId("canvas").width / byId("canvas").clientWidth, taken = [];
  const touches = ([x, y, width]) => taken.some(([left, top, wide]) => (
    Math.abs(x - left) < (width + wide) / 2 && Math.abs(y - top) < 16));
  return [...cuts].sort(([, one], [, other]) => other.voxels.length - one.voxels.length).slice(0, MOST_NUMBERS)
    .flatMap(([number, { voxels, sum }]) => {
      const far = (n) => Math.hypot(...sum.map((total, along) => places[along][n] - total / voxels.length));
      const middle = voxels.reduce((one, other) => (far(other) < far(one) ? other : one));
      const mm = places.map((along) => along[middle]);
      mm[axis] = at;
      const found = viewer.frac2canvasPosWithTile(viewer.mm2frac(mm), slice);
      if (!found) return [];
      const box = [found.pos[0] / ratio, found.pos[1] / ratio, 10 + 7 * String(number).length];
      if (touches(box)) return []; // of numbers on each other that of the larger cut is there
      taken.push(box);
      const number_ = document.createElement("span");
      number_.textContent = number;
      number_.style.left = `${box[0]}px`;
      number_.style.top = `${box[1]}px`;
      number_.style.boxShadow = `0 0 0 1.5px ${colourOf(number)}`;
      return [number_];
    });
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
// In the scene keys move the crosshair by a voxel of the map, along x, y and z.
const MOVES = {
  ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowDown: [1, -1], ArrowUp: [1, 1], PageDown: [2, -1], PageUp: [2, 1],
};
byId("scene").addEventListener("keydown", (event) => {
  const move = MOVES[event.key];
  if (!move || !viewer) return;
  const [axis, way] = move, mm = [...viewer.frac2mm(viewer.scene.crosshairPos)].slice(0, 3);
  mm[axis] += way * Math.max(...map.affine[axis].slice(0, 3).map(Math.abs));
  goTo(mm);
  event.preventDefault();
  event.stopPropagation(); // NiiVue has its own use for some keys
}, true);
byId("scene").addEventListener("pointerdown", () => byId("scene").focus({ preventScroll: true }));
for (const id of ["by-value", "by-region", "below", "opacity"]) {
  byId(id).addEventListener("input", () => regions && redraw());
}
byId("numbered").addEventListener("input", placeNumbers);
addEventListener("resize", () => setTimeout(placeNumbers, 100));

async function start() {
  if (!document.createElement("canvas").getContext("webgl2")) throw new Error("this browser offers no WebGL2");
  const script = document.createElement("script");
  script.textContent = await (await unpack(byId("niivue").textContent)).text();
  document.head.append(script);
  const scene = new niivue.Niivue({
    logLevel: "error", dragAndDropEnabled: false, isSliceMM: true, atlasOutline: 1,
    multiplanarLayout: niivue.MULTIPLANAR_TYPE.GRID, multiplanarShowRender: niivue.SHOW_RENDER.ALWAYS,
    multiplanarPadPixels: 12, showAllOrientationMarkers: true, fontColor: [0.85, 0.87, 0.9, 1],
    show3Dcrosshair: true, crosshairColor: [0.3, 1, 0.6, 0.9], crosshairWidth: 0.5,
  });
  await scene.attachToCanvas(byId("canvas"));
  byId("canvas").tabIndex = -1; // the scene around it is what keys steer
  const middle = (content.ramp.length - 1) / 2;
  const halves = { positive: content.ramp.slice(middle), negative: content.ramp.slice(0, middle + 1).reverse() };
  for (const [name, colours] of Object.entries(halves)) {
    const places = colours.map((_, at) => Math.round(255 * at / middle));
    scene.addColormap(name, { ...channels(colours), A: places.map((at) => (at ? 192 : 0)), I: places });
  }
  scene.addVolume(await volume(content.background, { colormap: "gray", cal_min: 0, cal_max: 63 }));
  image = await volume(content.map, { colormap: "positive", colormapNegative: "negative", cal_min: 1, cal_max: 2 });
  scene.addVolume(image);
  scene.overlayOutlineWidth = 1;
  scene.onLocationChange = describe;
  viewer = scene;
}
