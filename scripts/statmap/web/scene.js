// One canvas of NiiVue: three slices and a 3D view of the anatomy, the map over it by the shaders of paint.js, and the
// numbers of the regions. It draws what it is given, and calls back when its crosshair or its view moves.
const MOST_NUMBERS = 40; // of regions on a slice, the largest cuts first
const CROSSHAIR = { colour: [0.3, 1, 0.6, 0.9], width: 0.5 };
// Where the 3D view is looked at from: azimuth and elevation of NiiVue in degrees.
const VIEWS = { left: [90, 0], right: [270, 0], front: [180, 0], back: [0, 0], above: [0, 90], below: [180, -90] };
// In the scene keys move the crosshair by a voxel of the map, along x, y and z.
const MOVES = {
  ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowDown: [1, -1], ArrowUp: [1, 1], PageDown: [2, -1], PageUp: [2, 1],
};

async function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
}

// NiiVue, read into the page once.
let niivueIsRead = null;
function readNiivue() {
  return (niivueIsRead ??= unpack(byId("niivue").textContent).then((unpacked) => unpacked.text()).then((source) => {
    const script = document.createElement("script");
    script.textContent = source;
    document.head.append(script);
  }));
}

// Product of two 4 x 4 matrices given by rows, and a matrix by columns, as WebGL takes it.
const product = (one, other) => one.map((row) => other[0].map((_, column) => (
  row.reduce((sum, value, n) => sum + value * other[n][column], 0))));
const byColumns = (rows) => Float32Array.from({ length: 16 }, (_, n) => rows[n % 4][Math.floor(n / 4)]);

class Scene {
  // Takes the element around the canvas, and functions to call when the crosshair (mm) or the 3D view moves.
  constructor(element, { onMove, onTurn }) {
    Object.assign(this, { element, onMove, onTurn });
    this.canvas = element.querySelector("canvas");
    this.numbers = element.querySelector(".numbers");
    this.shown = { codes: null, count: 0, cutoff: 0, sided: "two" };
    this.labelled = null; // positions of the regions, computed when ids are shown
    this.withNumbers = true;
    this.isWaiting = this.isDue = false;
  }

  async start() {
    if (!document.createElement("canvas").getContext("webgl2")) throw new Error("this browser does not support WebGL2");
    await readNiivue();
    const viewer = new niivue.Niivue({
      logLevel: "error", dragAndDropEnabled: false, isSliceMM: true, dragMode: niivue.DRAG_MODE.none,
      multiplanarLayout: niivue.MULTIPLANAR_TYPE.GRID, multiplanarShowRender: niivue.SHOW_RENDER.ALWAYS,
      multiplanarPadPixels: 12, showAllOrientationMarkers: true, fontColor: [0.85, 0.87, 0.9, 1],
      show3Dcrosshair: true, crosshairColor: CROSSHAIR.colour, crosshairWidth: CROSSHAIR.width,
      crosshairWidthUnit: "mm", crosshairGap: 1.2 * Math.max(...map.sides),
    });
    this.keepToTheMap(viewer);
    await viewer.attachToCanvas(this.canvas);
    this.canvas.tabIndex = -1; // the element around it has the keyboard focus
    viewer.addVolume(await niivue.NVImage.loadFromBase64({
      base64: content.background, name: "volume.nii.gz", colormap: "gray", cal_min: 0, cal_max: 63,
    }));
    this.viewer = viewer;
    uploadMap(viewer.gl, { shape: map.shape, volume: map.volume, ramp: content.ramp });
    const Shader = viewer.sliceMMShader.constructor;
    this.sliceShader = new Shader(viewer.gl, SLICE_VERTICES, SLICE_SHADER);
    this.solidShader = new Shader(viewer.gl, SOLID_VERTICES, SOLID_SHADER);
    this.setConstants();
    viewer.customSliceShader = this.sliceShader;
    viewer.renderSliceShader = this.solidShader;
    await viewer.setVolumeRenderIllumination(-1); // draw the 3D view with that shader, and pass it the crosshair
    [viewer.scene.renderAzimuth, viewer.scene.renderElevation] = [125, 15];
    viewer.onLocationChange = () => this.moved();
    viewer.scene.onAzimuthElevationChange = () => this.onTurn(this);
    this.listen();
  }

  // NiiVue's double click and long touch change the brightness; on the 3D view a double click goes to the place.
  keepToTheMap(viewer) {
    const goToSurface = viewer.resetBriCon.bind(viewer);
    viewer.resetBriCon = (event) => {
      if (event instanceof MouseEvent && this.isOnSolid(event)) goToSurface(event);
    };
  }

  setConstants() {
    const { frac2mm } = this.viewer.volumes[0];
    const fracToMm = [0, 1, 2, 3].map((row) => [0, 1, 2, 3].map((column) => frac2mm[4 * column + row]));
    const boxMm = [0, 1, 2].map((axis) => fracToMm[axis][axis]), voxelsMm = Math.min(...map.sides);
    this.set({
      int: TEXTURE_UNITS,
      mat4: { fracToVoxel: byColumns(product(map.toVoxel, fracToMm)), fracToMm: byColumns(fracToMm) },
      vec3: { boxMm },
      float: {
        largest: content.largest, surface: content.surface, stepMm: Math.min(1.6, 0.6 * voxelsMm),
        overlayOpacity: 1, outline: Math.max(1, Math.round(devicePixelRatio)),
      },
      uint: { mostNumbered: content.codes.unnumbered, chosenRegion: 0 },
    });
  }

  set(uniforms) {
    for (const shader of [this.sliceShader, this.solidShader]) setUniforms(this.viewer.gl, shader, uniforms);
  }

  // Show regions: the code of every voxel, number and colours of the regions, the cutoff and the side.
  show(shown) {
    this.shown = shown;
    this.labelled = null;
    uploadCodes(this.viewer.gl, map.shape, shown.codes);
  }

  // Draw in these colours: a palette (see paletteOf), whether values or codes are coloured, whether values below the
  // cutoff are shown faintly, and the opacity.
  paint({ palette, byValue, faintly, opacity }) {
    const { cutoff, sided } = this.shown, faint = faintly ? cutoff : 0;
    uploadPalette(this.viewer.gl, palette);
    this.set({
      int: { byValue: Number(byValue) },
      float: { overlayOpacity: opacity },
      vec2: { faintFrom: [sided === "negative" ? 0 : faint, sided === "positive" ? 0 : faint] },
    });
    this.draw();
  }

  draw() {
    this.viewer.drawScene();
    this.placeNumbers();
  }

  get crosshair() {
    return [...this.viewer.frac2mm(this.viewer.scene.crosshairPos)].slice(0, 3);
  }

  goTo(mm) {
    this.viewer.scene.crosshairPos = this.viewer.mm2frac(mm).map((share) => Math.min(1, Math.max(0, share)));
    this.moved();
    this.viewer.drawScene();
  }

  moved() {
    this.placeNumbers();
    this.onMove(this, this.crosshair);
  }

  // The region that is seen through the brain; 0 for none.
  choose(region) {
    this.set({ uint: { chosenRegion: region } });
  }

  // Take over crosshair and views of another scene.
  follow({ viewer: { scene } }) {
    const { renderAzimuth, renderElevation, volScaleMultiplier, crosshairPos, pan2Dxyzmm } = scene;
    Object.assign(this.viewer.scene.sceneData, {
      azimuth: renderAzimuth, elevation: renderElevation, volScaleMultiplier, crosshairPos: [...crosshairPos],
      pan2Dxyzmm: [...pan2Dxyzmm],
    });
    this.drawSoon();
  }

  // Draw once before the next frame, however often this is called.
  drawSoon() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.draw();
    });
  }

  lookFrom(azimuth, elevation) {
    this.viewer.setRenderAzimuthElevation(azimuth, elevation);
  }

  // Turn the 3D view so that it is seen from outside along the line from the middle through a place; drawn with goTo.
  lookAt(mm) {
    const middle = this.viewer.frac2mm([0.5, 0.5, 0.5]), [x, y, z] = mm.map((value, axis) => value - middle[axis]);
    const degrees = (radians) => radians * 180 / Math.PI;
    const elevation = degrees(Math.atan2(z, Math.hypot(x, y)));
    const { scene } = this.viewer;
    scene.renderAzimuth = (degrees(Math.atan2(-x, -y)) + 360) % 360;
    scene.renderElevation = Math.max(-60, Math.min(60, elevation));
  }

  get view() {
    const { renderAzimuth, renderElevation, volScaleMultiplier } = this.viewer.scene;
    return [renderAzimuth, renderElevation, volScaleMultiplier];
  }

  cut(isCut) {
    this.set({ int: { isCut: Number(isCut) } });
    this.viewer.drawScene();
  }

  // Draw with so many pixels of the canvas for one of the page; 0: as many as the screen has.
  setRatio(ratio) {
    this.viewer.opts.forceDevicePixelRatio = ratio;
    this.set({ float: { outline: Math.max(1, Math.round(ratio || devicePixelRatio)) } });
    this.viewer.resizeListener();
  }

  // Position of a pointer on the canvas, in its own pixels.
  positionOf({ clientX, clientY }) {
    const { left, top } = this.canvas.getBoundingClientRect(), ratio = this.canvas.width / this.canvas.clientWidth;
    return [(clientX - left) * ratio, (clientY - top) * ratio];
  }

  isOnSolid(event) {
    return this.viewer.inRenderTile(...this.positionOf(event)) >= 0;
  }

  // The place in mm under a pointer, null outside of the slices.
  placeUnder(event) {
    if (this.isOnSolid(event)) return null;
    const frac = this.viewer.canvasPos2frac(this.positionOf(event));
    return frac[0] < 0 ? null : [...this.viewer.frac2mm(frac)].slice(0, 3);
  }

  listen() {
    this.element.addEventListener("keydown", (event) => this.onKey(event), true);
    this.element.addEventListener("keyup", (event) => event.stopPropagation(), true); // NiiVue itself acts on some keys
    this.element.addEventListener("pointerdown", () => this.element.focus({ preventScroll: true }));
  }

  onKey(event) {
    event.stopPropagation();
    const move = MOVES[event.key];
    if (!move) return;
    const [axis, way] = move, mm = this.crosshair;
    mm[axis] += way * Math.max(...map.affine[axis].slice(0, 3).map(Math.abs));
    this.goTo(mm);
    event.preventDefault();
  }

  // Where the regions are: region and mm of each of their voxels.
  locate() {
    const inside = [];
    this.shown.codes.forEach((code, voxel) => { if (code && code <= this.shown.count) inside.push(voxel); });
    const places = [0, 1, 2].map(() => new Float32Array(inside.length));
    inside.forEach((voxel, n) => {
      [places[0][n], places[1][n], places[2][n]] = toMm(voxel, map.shape, map.affine);
    });
    return { region: inside.map((voxel) => this.shown.codes[voxel]), places };
  }

  // The number of each region on each slice that cuts it, at the voxel nearest to the middle of the cut.
  placeNumbers() {
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      this.numbers.replaceChildren(...(this.withNumbers && this.shown.codes ? this.numbersOnSlices() : []));
    });
  }

  numbersOnSlices() {
    this.labelled ??= this.locate();
    const { crosshair } = this;
    return [[2, 0], [1, 1], [0, 2]].flatMap(([axis, slice]) => this.numbersOn(axis, slice, crosshair[axis]));
  }

  numbersOn(axis, slice, at) {
    const ratio = this.canvas.width / this.canvas.clientWidth, taken = [];
    const touches = ([x, y, width]) => taken.some(([left, top, wide]) => (
      Math.abs(x - left) < (width + wide) / 2 && Math.abs(y - top) < 16));
    return this.cutsOf(axis, at).slice(0, MOST_NUMBERS).flatMap(({ region, mm }) => {
      const onCanvas = this.viewer.frac2canvasPosWithTile(this.viewer.mm2frac(mm), slice);
      if (!onCanvas) return [];
      const box = [onCanvas.pos[0] / ratio, onCanvas.pos[1] / ratio, 10 + 7 * String(region).length];
      if (touches(box)) return []; // of overlapping ids only that of the larger cut is shown
      taken.push(box);
      return [this.numberAt(region, box)];
    });
  }

  // The regions that a slice cuts, largest cut first, each with the mm of its voxel nearest to the middle of the cut.
  cutsOf(axis, at) {
    const { region, places } = this.labelled, cuts = new Map();
    const half = map.affine[axis].slice(0, 3).reduce((sum, step) => sum + Math.abs(step), 0) / 2 + 1e-3;
    for (let n = 0; n < region.length; n++) {
      if (Math.abs(places[axis][n] - at) > half) continue;
      const cut = cuts.get(region[n]) ?? { voxels: [], sum: [0, 0, 0] };
      cuts.set(region[n], cut);
      cut.voxels.push(n);
      for (const along of [0, 1, 2]) cut.sum[along] += places[along][n];
    }
    return [...cuts].sort(([, one], [, other]) => other.voxels.length - one.voxels.length)
      .map(([number, { voxels, sum }]) => {
        const far = (n) => Math.hypot(...sum.map((total, along) => places[along][n] - total / voxels.length));
        const middle = voxels.reduce((one, other) => (far(other) < far(one) ? other : one));
        return { region: number, mm: places.map((along, own) => (own === axis ? at : along[middle])) };
      });
  }

  numberAt(region, [x, y]) {
    const number = document.createElement("span");
    number.textContent = region;
    number.style.left = `${x}px`;
    number.style.top = `${y}px`;
    number.style.boxShadow = `0 0 0 1.5px ${this.shown.colourOf(region)}`;
    return number;
  }
}
