// The scenes as a picture, with the numbers of the regions, what the colours mean, and what is shown.
// Lengths are those of the page, of which each is `ratio` pixels or more.
const PICTURE = { ratio: 2, paper: "#000", ink: "#e6e9ee", quiet: "#a5adba", margin: 12, gap: 8, line: 18, bar: 12 };

// The pixels of a scene, with its numbers and its side.
function copyScene(context, scene, side, left, ratio) {
  context.drawImage(scene.canvas, left, 0);
  for (const number of scene.numbers.children) drawNumber(context, number, scene, left, ratio);
  if (!shown.B) return;
  context.fillStyle = PICTURE.ink;
  context.fillText(side, left + PICTURE.margin * ratio, PICTURE.line * ratio);
}

function drawNumber(context, number, scene, left, ratio) {
  const box = number.getBoundingClientRect(), origin = scene.canvas.getBoundingClientRect();
  const x = left + (box.left - origin.left) * ratio, y = (box.top - origin.top) * ratio;
  context.fillStyle = "#000b";
  context.fillRect(x, y, box.width * ratio, box.height * ratio);
  context.strokeStyle = getComputedStyle(number).boxShadow.match(/rgb[^)]*\)/)?.[0] ?? "#fff";
  context.lineWidth = 1.5 * ratio;
  context.strokeRect(x, y, box.width * ratio, box.height * ratio);
  context.fillStyle = "#fff";
  context.textAlign = "center";
  context.fillText(number.textContent, x + box.width * ratio / 2, y + box.height * ratio * 0.75);
  context.textAlign = "left";
}

// The scale of values from end to end, pale where they do not pass, its ends and the cutoff below it.
function drawBar(context, left, top, width, ratio) {
  const { ramp, lowest, highest } = content, middle = (ramp.length - 1) / 2, height = PICTURE.bar * ratio;
  const stops = ramp.slice(lowest ? 0 : middle, highest ? undefined : middle + 1);
  const gradient = context.createLinearGradient(left, 0, left + width, 0);
  stops.forEach((colour, n) => gradient.addColorStop(n / (stops.length - 1), colour));
  context.fillStyle = gradient;
  context.fillRect(left, top, width, height);
  const { cutoff, sided } = shown.A;
  const at = (value) => left + width * Math.max(0, Math.min(1, (value - lowest) / (highest - lowest)));
  const from = sided === "positive" ? left : at(-cutoff), to = sided === "negative" ? left + width : at(cutoff);
  context.fillStyle = "#000c";
  context.fillRect(from, top, to - from, height);
  context.fillStyle = PICTURE.ink;
  const y = top + height + 0.8 * PICTURE.line * ratio;
  const ends = { lowest: ["left", left], cutoff: ["center", left + width / 2], highest: ["right", left + width] };
  for (const [id, [align, x]] of Object.entries(ends)) {
    context.textAlign = align;
    context.fillText(byId(id).textContent, x, y);
  }
  context.textAlign = "left";
}

// Draw swatches with their labels in lines; returns the number of lines. Without a context it only counts them.
function drawSwatches(context, entries, left, top, width, ratio, isDrawn) {
  const side = 0.7 * PICTURE.line * ratio;
  let x = left, line = 0;
  for (const { colour, words } of entries) {
    const wide = side + context.measureText(words).width + 18 * ratio;
    if (x > left && x + wide > left + width) [x, line] = [left, line + 1];
    if (isDrawn) {
      context.fillStyle = colour;
      context.fillRect(x, top + line * PICTURE.line * ratio, side, side);
      context.fillStyle = PICTURE.ink;
      context.fillText(words, x + side + 5 * ratio, top + line * PICTURE.line * ratio + 0.85 * side);
    }
    x += wide;
  }
  return entries.length ? line + 1 : 0;
}

// What the colours mean, where they are not values: the regions on the slices with their first label, or the key.
function swatchEntries() {
  const withNumber = ({ colour, words, voxels }) => ({ colour, words: `${words} ${voxels.toLocaleString("en-US")}` });
  return colouring() === "region" ? scenes.flatMap((_, n) => regionSwatches(n)) : keyEntries().map(withNumber);
}

function regionSwatches(n) {
  const side = "AB"[n], peakOf = peaksOf(shown[side]), [atlas] = map.atlases;
  const numbers = new Set([...scenes[n].numbers.children].map((span) => Number(span.textContent)));
  return [...numbers].sort((one, other) => one - other).map((region) => {
    const label = atlas ? ` ${labelAt(atlas, voxelAt(peakOf(region), map.shape, map.toVoxel))}` : "";
    return { colour: scenes[n].shown.colourOf(region), words: `${shown.B ? side : ""}${region}${label}` };
  });
}

// Words broken into lines of a width.
function linesOf(context, text, width) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (context.measureText(longer).width <= width || lines.at(-1) === "") lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

// What is shown, in words: a line for each side, and the crosshair.
function captionLines() {
  const lines = shownSides().map((side) => {
    const { name, summary } = shown[side];
    return [content.name, shown.B ? `${side}: ${name}` : name, summary].join(" · ");
  });
  return [...lines, byId("place").textContent];
}

function pictureOfScenes() {
  const picture = document.createElement("canvas"), context = picture.getContext("2d");
  const { margin, gap, line, bar } = PICTURE, [{ canvas }] = scenes;
  const ratio = canvas.width / canvas.clientWidth, left = margin * ratio;
  const width = scenes.reduce((sum, scene) => sum + scene.canvas.width, 0) + (scenes.length - 1) * gap * ratio;
  const write = () => { context.font = `${13 * ratio}px system-ui, sans-serif`; };
  write();
  const inner = width - 2 * left, caption = captionLines().flatMap((text) => linesOf(context, text, inner));
  const byValue = colouring() === "value", entries = byValue ? [] : swatchEntries();
  const swatchLines = byValue ? 0 : drawSwatches(context, entries, left, 0, inner, ratio, false);
  const heightOfKey = byValue ? bar + 1.3 * line : (swatchLines + 0.3) * line;
  picture.width = width;
  picture.height = canvas.height + (heightOfKey + caption.length * line + 2 * margin) * ratio;
  write(); // resizing a canvas resets its font
  context.fillStyle = PICTURE.paper;
  context.fillRect(0, 0, picture.width, picture.height);
  scenes.forEach((scene, n) => copyScene(context, scene, "AB"[n], n * (canvas.width + gap * ratio), ratio));
  const top = canvas.height + left;
  if (byValue) drawBar(context, left, top, inner, ratio);
  else drawSwatches(context, entries, left, top, inner, ratio, true);
  context.fillStyle = PICTURE.quiet;
  caption.forEach((text, n) => context.fillText(text, left, top + (heightOfKey + (n + 0.7) * line) * ratio));
  return picture;
}

function fileName() {
  const names = [content.name, ...shownSides().map((side) => shown[side].name)];
  return `${names.join("_").replace(/[^\w.-]+/g, "-")}.png`;
}

// The picture, finer than the screen. The scenes are drawn here: WebGL clears a canvas once it has been shown.
function takePicture() {
  for (const scene of scenes) scene.setRatio(Math.max(PICTURE.ratio, devicePixelRatio));
  const picture = pictureOfScenes();
  for (const scene of scenes) scene.setRatio(0);
  return picture;
}

byId("save").addEventListener("click", () => {
  if (!scenes.length) return;
  takePicture().toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = fileName();
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
});

// On paper the picture stands for the scenes, which are drawn for the width of the screen.
addEventListener("beforeprint", () => {
  if (!scenes.length) return;
  const picture = takePicture();
  picture.className = "printed";
  document.querySelector("figure").prepend(picture);
});
addEventListener("afterprint", () => { for (const picture of document.querySelectorAll(".printed")) picture.remove(); });
