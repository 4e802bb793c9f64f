const byId = (id) => document.getElementById(id);
const content = JSON.parse(byId("content").textContent);
const tables = document.querySelectorAll("[data-variant]");
let viewer, image, regions;

async function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

function volume(base64, options) {
  return niivue.NVImage.loadFromBase64({ base64, name: "volume.nii.gz", ...options });
}

function channels(colours) {
  const channel = (at) => colours.map((colour) => parseInt(colour.slice(at, at + 2), 16));
  return { R: channel(1), G: channel(3), B: channel(5) };
}

function describe(place) {
  const [x, y, z] = place.mm;
  const fixed = (value, digits) => value.toFixed(digits).replace(/^-(0[.]0+)$/, "$1").replace("-", "−");
  const [, value, region] = place.values.map((volume) => volume.value);
  byId("place").textContent = `x ${fixed(x, 1)}  y ${fixed(y, 1)}  z ${fixed(z, 1)} mm · value ${fixed(value, 2)}`
    + (region ? ` · region ${region}` : "");
}

function jump(row) {
  for (const other of document.querySelectorAll("tr[aria-current]")) other.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  if (!viewer) return;
  moveTo(JSON.parse(row.dataset.mm));
}

function moveTo(mm) {
  viewer.scene.crosshairPos = viewer.mm2frac(mm).map((share) => Math.min(1, Math.max(0, share)));
  viewer.createOnLocationChange();
  viewer.drawScene();
}

// Steps of one voxel of the map: axis and direction.
const STEPS = {
  ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowDown: [1, -1], ArrowUp: [1, 1], PageDown: [2, -1], PageUp: [2, 1],
};
byId("scene").addEventListener("keydown", (event) => {
  if (!viewer || !(event.key in STEPS)) return;
  const [axis, way] = STEPS[event.key];
  const mm = [...viewer.frac2mm(viewer.scene.crosshairPos)].slice(0, 3);
  mm[axis] += way * content.step[axis];
  moveTo(mm);
  event.preventDefault();
  event.stopPropagation(); // NiiVue has its own use for some keys
}, true);
byId("scene").addEventListener("pointerdown", () => byId("scene").focus({ preventScroll: true }));

function drawScale({ cutoff, sided }) {
  const largest = content.largest, share = (value) => `${50 + 50 * Math.max(-1, Math.min(1, value / largest))}%`;
  byId("ramp").style.background = `linear-gradient(90deg, ${content.ramp})`;
  byId("cut").style.left = sided === "positive" ? 0 : share(-cutoff);
  byId("cut").style.right = sided === "negative" ? 0 : share(-cutoff);
  byId("lowest").textContent = `−${largest.toFixed(2)}`;
  byId("highest").textContent = largest.toFixed(2);
  const sign = { two: "±", negative: "−", positive: "" }[sided];
  byId("cutoff").textContent = cutoff > largest ? "" : `cutoff ${sign}${+cutoff.toPrecision(4)}`;
}

async function show(index) {
  const variant = content.variants[index], { cutoff, sided, colours } = variant;
  byId("summary").textContent = variant.summary;
  if (byId("to-map")) byId("to-map").href = `map.html#${encodeURIComponent(names[index])}`;
  for (const table of tables) table.hidden = table !== tables[index];
  drawScale(variant);
  if (!viewer) return;
  byId("scene").setAttribute("aria-busy", "true");
  const labels = await volume(variant.labels);
  if (byId("variant").value !== String(index)) return; // another was chosen meanwhile
  labels.setColormapLabel(channels(["#000000", ...colours]));
  if (regions) Object.assign(regions, { img: labels.img, colormapLabel: labels.colormapLabel });
  else viewer.addVolume(regions = labels);
  const top = Math.max(content.largest, cutoff), never = 10 * top;
  [image.cal_min, image.cal_max] = sided === "negative" ? [never, 2 * never] : [cutoff, top];
  [image.cal_minNeg, image.cal_maxNeg] = sided === "positive" ? [-2 * never, -never] : [-top, -cutoff];
  redraw();
  viewer.createOnLocationChange();
  const first = tables[index].querySelector("tbody tr");
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
for (const id of ["by-value", "by-region", "below", "opacity"]) {
  byId(id).addEventListener("input", () => regions && redraw());
}

async function start() {
  if (!document.createElement("canvas").getContext("webgl2")) throw new Error("this browser offers no WebGL2");
  const script = document.createElement("script");
  script.textContent = await unpack(byId("niivue").textContent);
  document.head.append(script);
  const scene = new niivue.Niivue({
    logLevel: "error", dragAndDropEnabled: false, isSliceMM: true, atlasOutline: 1,
    multiplanarLayout: niivue.MULTIPLANAR_TYPE.GRID, multiplanarShowRender: niivue.SHOW_RENDER.ALWAYS,
    multiplanarPadPixels: 12, showAllOrientationMarkers: true, fontColor: [0.85, 0.87, 0.9, 1],
    show3Dcrosshair: true, crosshairColor: [0.3, 1, 0.6, 0.9], crosshairWidth: 0.5,
  });
  await scene.attachToCanvas(byId("canvas"));
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

const names = [...byId("variant").options].map((option) => option.text);
const asked = names.indexOf(new URLSearchParams(location.hash.slice(1)).get("variant"));
if (asked > 0) byId("variant").value = String(asked);
const showChosen = () => show(Number(byId("variant").value));
byId("variant").addEventListener("change", showChosen);
showChosen();
start()
  .then(showChosen)
  .then(() => { byId("message").hidden = true; })
  .catch((error) => {
    byId("message").textContent = `The viewer cannot start: ${error.message}. The tables still work.`;
    byId("scene").setAttribute("aria-busy", "false");
  });
