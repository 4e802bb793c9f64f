"""The interactive page of one map: template, map and regions in NiiVue, with a table that steers it.

NiiVue (https://niivue.com, BSD-2) is taken from the installed nilearn wheel and goes into every page, so that the page
opens from disk, years later, without a network. nilearn itself is not imported.
"""

import gzip
import importlib.util
import json
import re
from base64 import b64encode
from html import escape
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from ..figures.colours import DIVERGING, region_colours
from ..io.files import UserError
from ..io.images import to_mm
from ..tables.columns import REGIONS
from .tables import SCRIPT, STYLE, table

# Columns of regions.csv that the page shows; the labels of atlases at the peaks follow.
_COLUMNS = ("region", "sign", "volume_mm3", "peak_value", "peak_x", "peak_y", "peak_z", "tdp")
_BACKGROUND_VOXELS = 112  # about, along the longest axis: 1.5 mm or so for a human brain, 0.5 MB in the page


def niivue_bundle():
    """JavaScript source of NiiVue, from nilearn's wheel (found without importing it).

    Raises
    ------
    UserError : nilearn is absent, or is a version that does not carry NiiVue.
    """
    spec = importlib.util.find_spec("nilearn")
    bundle = Path(spec.submodule_search_locations[0], "_assets", "js", "niivue.umd.js") if spec else None
    if bundle is None or not bundle.is_file():
        raise UserError(f"view.html: no NiiVue at {bundle}; install the version of nilearn that the lock names")
    return bundle.read_text(encoding="utf-8")


def _corners(data, affine):
    """World coordinates in mm, (8, 3), of the corners of the box around an array's non-zero voxels."""
    spans = [np.flatnonzero(data.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    edges = [
        (span[0] - 0.5, span[-1] + 0.5) if span.size else (-0.5, n - 0.5)
        for span, n in zip(spans, data.shape, strict=True)
    ]
    return to_mm(affine, np.array(np.meshgrid(*edges)).reshape(3, -1).T)


def background_grid(template, template_affine, data, affine):
    """Resample the template onto the upright grid that NiiVue shows, which covers template and map.

    NiiVue resamples every overlay to this grid. Its voxels are whole fractions of the map's and share their edges
    (unless the map is oblique), so that the map is shown voxel by voxel.

    Parameters
    ----------
    template : (a, b, c) array.
    template_affine, affine : (4, 4) arrays, voxel indices of template and map to mm.
    data : (i, j, k) array, the map.

    Returns
    -------
    background : (i, j, k) uint8 array, 0 where the template is 0 or absent, 63 at its 99.9th percentile
        (64 greys: a page a third smaller than with 256, the same to the eye).
    background_affine : (4, 4) array, axes along +x, +y, +z.
    """
    boxes = [_corners(template, template_affine), _corners(data, affine)]
    low, high = np.min(boxes, axis=(0, 1)), np.max(boxes, axis=(0, 1))
    finest = (high - low).max() / _BACKGROUND_VOXELS
    size = np.empty(3)
    size[nib.io_orientation(affine)[:, 0].astype(int)] = nib.affines.voxel_sizes(affine)
    step = size / np.maximum(np.round(size / finest), 1)
    edge = to_mm(affine, np.full((1, 3), -0.5))[0]
    first, last = np.floor((low - edge) / step) - 4, np.ceil((high - edge) / step) + 4
    background_affine = nib.affines.from_matvec(np.diag(step), edge + (first + 0.5) * step)
    to_template = np.linalg.inv(template_affine) @ background_affine
    shape = tuple((last - first).astype(int))
    values = ndimage.affine_transform(
        template.astype(np.float32), to_template[:3, :3], to_template[:3, 3], output_shape=shape, order=1
    )
    positive = values[values > 0]
    top = np.percentile(positive, 99.9) if positive.size else 1.0
    return (np.clip(values / top, 0, 1) * 63).astype(np.uint8), background_affine


def _packed(content):
    """Gzip (no time in it) in base64: what the page's `unpack` reads."""
    return b64encode(gzip.compress(content, compresslevel=9, mtime=0)).decode("ascii")


def _nifti(data, affine, slope=1.0, intent="none"):
    image = nib.Nifti1Image(data, affine)
    image.header.set_intent(intent)
    image.header.set_slope_inter(slope, 0)
    return _packed(image.to_bytes())


def _table(index, variant, colours):
    """One variant's regions as an HTML table, whose rows know the colour and the peak of their region."""
    regions = variant["regions"]
    if len(regions) == 0:
        return f'<p class="empty" data-variant="{index}">No region in this variant.</p>'
    rows = regions.to_dict("records")
    at_peak = [name for name in regions if name.endswith("_peak") and name not in REGIONS]
    places = (json.dumps([row[f"peak_{axis}"] for axis in "xyz"]) for row in rows)
    steering = [
        f'tabindex="0" data-mm="{place}" style="--colour:{colour}"'
        for place, colour in zip(places, colours, strict=True)
    ]
    return table(rows, [*_COLUMNS, *at_peak], f'data-variant="{index}"', steering)


def viewer_page(map_id, data, affine, template, template_affine, variants):
    """Write the page of one map.

    Parameters
    ----------
    map_id : str.
    data : (i, j, k) array, finite; shown and read out to 1/32767 of its largest absolute value.
    affine : (4, 4) array, voxel indices to mm; may be flipped or oblique.
    template : (a, b, c) array, the anatomical background, 0 outside the head.
    template_affine : (4, 4) array.
    variants : list of dict, one per variant, in the order of the page: ``name``, ``rule`` (the threshold in words),
        ``sided`` (two, positive or negative), ``cutoff`` (float, not finite where no value qualifies), ``labels``
        ((i, j, k) integers, 0 = background) and ``regions`` (DataFrame with the columns of regions.csv).

    Returns
    -------
    str : HTML that loads nothing else; the same input gives the same text.
    """
    largest = float(np.abs(data).max()) or 1.0
    slope = largest / 32767
    background, background_affine = background_grid(template, template_affine, data, affine)
    content = {
        "background": _nifti(background, background_affine),
        "map": _nifti(np.round(data / slope).astype(np.int16), affine, slope),
        "largest": largest,
        "ramp": DIVERGING,
        "variants": [],
    }
    tables, options = [], []
    for index, variant in enumerate(variants):
        cutoff, regions = float(variant["cutoff"]), variant["regions"]
        colours = [colour for colour, _ in region_colours(len(regions))]
        tables.append(_table(index, variant, colours))
        options.append(f'<option value="{index}">{escape(variant["name"])}</option>')
        found = {0: "no region", 1: "1 region"}.get(len(regions), f"{len(regions)} regions")
        reached = f"cutoff {cutoff:.4g}" if np.isfinite(cutoff) else "no cutoff reached"
        content["variants"].append(
            {
                "labels": _nifti(variant["labels"].astype(np.uint16), affine, intent="label"),
                "colours": colours,
                "cutoff": cutoff if np.isfinite(cutoff) else 1.001 * largest,
                "sided": variant["sided"],
                "summary": f"{variant['rule']} · {reached} · {found}",
            }
        )
    parts = {
        "title": escape(map_id),
        "options": "".join(options),
        "tables": "".join(tables),
        # a "<" in JSON could end the script element
        "content": json.dumps(content, allow_nan=False).replace("<", "\\u003c"),
        "table_style": STYLE,
        "sorting": SCRIPT,
        "niivue": _packed(niivue_bundle().encode("utf-8")),
    }
    return re.sub(r"\{\{ (\w+) \}\}", lambda match: parts[match[1]], _PAGE)


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }} · Statmap Regions</title>
<link rel="icon" href="data:,">
<style>
{{ table_style }}
  header { padding: 1rem 1.5rem .5rem; display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; align-items: baseline; }
  header p { margin: 0; color: #4b5563; }
  select { font: inherit; padding: .15rem .4rem; }
  main { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1.15fr); gap: 1rem; align-items: start; }
  main { padding: .5rem 1.5rem 1.5rem; }
  figure { margin: 0; }
  #scene { position: relative; height: min(72vh, 46vw); min-height: 22rem; background: #000; }
  #scene, .tables { border-radius: 6px; overflow: hidden; }
  #scene canvas { outline: none; }
  #message { position: absolute; inset: 0; display: grid; place-content: center; padding: 2rem; text-align: center; }
  #message { color: #d7dbe2; }
  .scale { display: grid; grid-template-columns: 1fr 1fr 1fr; padding-top: .6rem; font-size: .87rem; color: #4b5563; }
  #cutoff { text-align: center; }
  #highest { text-align: right; }
  #ramp { grid-column: 1 / -1; position: relative; height: .7rem; border-radius: 3px; overflow: hidden; }
  #cut { position: absolute; top: 0; bottom: 0; background: #f4f5f7d9; box-shadow: 0 0 0 1px #1c2430; }
  #place { display: block; padding: .5rem 0; min-height: 1.5em; font-variant-numeric: tabular-nums; font-weight: 600; }
  .controls { display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
  .controls label { display: flex; gap: .4rem; align-items: center; }
  .help { color: #4b5563; font-size: .87rem; margin: .5rem 0 0; }
  .tables { background: #fff; overflow: auto; max-height: calc(72vh + 6rem); }
  tbody tr { cursor: pointer; }
  tbody tr:hover { background: #eef3fb; }
  tbody tr[aria-current] { background: #dce8fa; }
  .empty { padding: 1.5rem; margin: 0; }
  [hidden] { display: none !important; }
  @media (max-width: 62rem) {
    main { grid-template-columns: minmax(0, 1fr); }
    #scene { height: 75vw; max-height: 80vh; }
  }
</style>
</head>
<body>
<header>
  <h1>{{ title }}</h1>
  <label>Variant <select id="variant">{{ options }}</select></label>
  <p id="summary"></p>
</header>
<main>
  <figure>
    <div id="scene" aria-busy="true"><canvas id="canvas"></canvas><p id="message">Loading …</p></div>
    <div class="scale">
      <div id="ramp"><div id="cut"></div></div>
      <span id="lowest"></span><span id="cutoff"></span><span id="highest"></span>
    </div>
    <output id="place" aria-live="polite"></output>
    <div class="controls">
      <span>colour by</span>
      <label><input type="radio" name="colour" id="by-value" checked>value</label>
      <label><input type="radio" name="colour" id="by-region">region</label>
      <label><input type="checkbox" id="below">below the cutoff, faintly</label>
      <label>opacity <input type="range" id="opacity" min="0" max="1" step="0.05" value="1"></label>
    </div>
    <p class="help">Click or drag to move the crosshair, scroll through slices, drag the 3D view to turn it; a click or
      Enter on a table row goes to the region's peak, a heading sorts. L and R are the subject's left and right, x, y, z
      are mm. Shown by <a href="https://niivue.com">NiiVue</a> (BSD 2-Clause licence).</p>
  </figure>
  <section class="tables" aria-label="Regions">{{ tables }}</section>
</main>
<script type="application/json" id="content">{{ content }}</script>
<script type="text/plain" id="niivue">{{ niivue }}</script>
<script>
"use strict";
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
  viewer.scene.crosshairPos = viewer.mm2frac(JSON.parse(row.dataset.mm));
  viewer.createOnLocationChange();
  viewer.drawScene();
}

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

{{ sorting }}
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
</script>
</body>
</html>
"""
