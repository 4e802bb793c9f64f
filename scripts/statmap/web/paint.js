// The map over the anatomy, drawn as its own voxels with sharp edges. NiiVue would resample the map to the grid of the
// anatomy. Two shaders of ours, which replace NiiVue's for slices and for the 3D view, look each pixel up in the map.
// Each voxel has a value and a code (see voxel_codes in viewer.py).
const TEXTURE_UNITS = { mapValues: 11, mapCodes: 12, palette: 13, ramp: 14 }; // NiiVue has its own below
const PALETTE_SIDE = 256; // pixels; its square is the number of codes

const COLOUR_OF_A_VOXEL = `
  precision highp int;
  precision highp float;
  uniform highp sampler3D mapValues;
  uniform highp usampler3D mapCodes;
  uniform highp sampler2D palette;  // the colour of each code, transparent for what is not drawn
  uniform highp sampler2D ramp;     // the colours of values, from -largest to largest
  uniform mat4 fracToVoxel;         // from a share of the anatomy's box to voxel indices of the map
  uniform bool byValue;
  uniform float largest;
  uniform vec2 faintFrom;           // cutoff of positive and negative values that do not pass; 0: not shown

  ivec3 voxelAt(vec3 frac) {
    return ivec3(floor((fracToVoxel * vec4(frac, 1.0)).xyz + 0.5));
  }
  bool isOutside(ivec3 voxel) {
    return any(lessThan(voxel, ivec3(0))) || any(greaterThanEqual(voxel, textureSize(mapCodes, 0)));
  }
  uint codeAt(ivec3 voxel) {
    return isOutside(voxel) ? 0u : texelFetch(mapCodes, voxel, 0).r;
  }
  float valueAt(ivec3 voxel) {
    return isOutside(voxel) ? 0.0 : texelFetch(mapValues, voxel, 0).r;
  }
  vec3 colourOfValue(float value) {
    float stops = float(textureSize(ramp, 0).x);
    float share = clamp(0.5 + 0.5 * value / largest, 0.0, 1.0);
    return texture(ramp, vec2((share * (stops - 1.0) + 0.5) / stops, 0.5)).rgb;
  }
  vec4 colourOfCode(uint code) {
    return texelFetch(palette, ivec2(code % ${PALETTE_SIDE}u, code / ${PALETTE_SIDE}u), 0);
  }
  vec4 colourAt(ivec3 voxel) {
    vec4 colour = colourOfCode(codeAt(voxel));
    return byValue && colour.a > 0.0 ? vec4(colourOfValue(valueAt(voxel)), colour.a) : colour;
  }`;

const SLICE_VERTICES = `#version 300 es
  layout(location=0) in vec3 pos;
  uniform int axCorSag;
  uniform float slice;
  uniform mat4 frac2mm;
  uniform mat4 mvpMtx;
  out vec3 texPos;
  void main() {
    texPos = vec3(pos.xy, slice);  // axial
    if (axCorSag == 1) texPos = vec3(pos.x, slice, pos.y);
    if (axCorSag == 2) texPos = vec3(slice, pos.xy);
    gl_Position = mvpMtx * (frac2mm * vec4(texPos, 1.0));
  }`;

// The outline is drawn on the pixels that touch a region from outside, so that it covers no voxel of the region.
const SLICE_SHADER = `#version 300 es
  ${COLOUR_OF_A_VOXEL}
  uniform highp sampler3D volume;
  uniform float opacity;
  uniform float overlayOpacity;
  uniform float outline;  // pixels
  in vec3 texPos;
  out vec4 color;

  bool isDrawn(vec3 frac) {
    return colourAt(voxelAt(frac)).a > 0.0;
  }
  bool touchesDrawn(vec3 right, vec3 up) {
    return isDrawn(texPos + right) || isDrawn(texPos - right) || isDrawn(texPos + up) || isDrawn(texPos - up)
      || isDrawn(texPos + right + up) || isDrawn(texPos + right - up)
      || isDrawn(texPos - right + up) || isDrawn(texPos - right - up);
  }
  vec4 faintAt(ivec3 voxel) {
    float value = valueAt(voxel);
    float cutoff = value > 0.0 ? faintFrom.x : faintFrom.y;
    return cutoff > 0.0 ? vec4(colourOfValue(value), min(1.0, value * value / (cutoff * cutoff))) : vec4(0.0);
  }

  void main() {
    vec3 right = dFdx(texPos) * outline, up = dFdy(texPos) * outline;
    ivec3 voxel = voxelAt(texPos);
    vec4 colour = colourAt(voxel);
    if (colour.a == 0.0 && touchesDrawn(right, up)) colour = vec4(0.0, 0.0, 0.0, 1.0);
    else if (colour.a == 0.0) colour = faintAt(voxel);
    color = vec4(mix(texture(volume, texPos).rgb, colour.rgb, colour.a * overlayOpacity), opacity);
  }`;

// The brain as a shaded surface with regions in it: those near the surface show through, the selected one from as deep
// as the middle of the brain. No other voxel of the map is drawn.
const SOLID_SHADER = `#version 300 es
  ${COLOUR_OF_A_VOXEL}
  uniform highp sampler3D volume;
  uniform vec3 rayDir;         // NiiVue's, as is the next
  uniform mat4 mvpMtx;
  uniform vec4 clipPlane;      // the crosshair, as NiiVue gives it: shares of the box
  uniform mat4 fracToMm;
  uniform vec3 boxMm;          // sides of the anatomy's box
  uniform float stepMm;
  uniform float surface;       // grey of the anatomy at which it begins
  uniform uint mostNumbered;   // codes of regions
  uniform uint chosenRegion;
  uniform bool isCut;
  in vec3 vColor;
  out vec4 fColor;

  const float SHINES_THROUGH = 14.0;  // mm below the surface

  float greyAt(vec3 frac) {
    return texture(volume, frac).r;
  }
  float lengthInBox(vec3 start, vec3 way) {
    vec3 ends = (step(0.0, way) - start) / way;
    return min(ends.x, min(ends.y, ends.z));
  }
  float distanceToCut(vec3 start, vec3 way) {  // the plane of the crosshair that faces the viewer most
    vec3 share = abs(rayDir), distances = (clipPlane.xyz - start) / way;
    return share.x >= max(share.y, share.z) ? distances.x : share.y >= share.z ? distances.y : distances.z;
  }
  vec3 normalOfBrain(vec3 frac) {
    vec3 d = 2.5 / boxMm;
    return normalize(vec3(
      greyAt(frac - vec3(d.x, 0, 0)) - greyAt(frac + vec3(d.x, 0, 0)),
      greyAt(frac - vec3(0, d.y, 0)) - greyAt(frac + vec3(0, d.y, 0)),
      greyAt(frac - vec3(0, 0, d.z)) - greyAt(frac + vec3(0, 0, d.z))) + 1e-5);
  }
  float lightOn(vec3 normal) {  // from the viewer, a little from above
    return 0.3 + 0.7 * max(0.0, dot(normal, normalize(-rayDir + vec3(0.0, 0.0, 0.5))));
  }

  // Near the surface, or of the chosen region and on the viewer's side of the brain; of a region the strongest voxel
  // within a certain depth is painted.
  bool isSeen(uint code, vec3 frac, float at, float surfaceAt, float regionAt, float deepest) {
    bool isNear = (surfaceAt < 0.0 || at - surfaceAt <= deepest) && (regionAt < 0.0 || at - regionAt <= SHINES_THROUGH);
    bool isThisSide = dot((frac - 0.5) * boxMm, rayDir) < 0.0;
    return isNear || (deepest > 0.0 && code == chosenRegion && isThisSide);
  }

  void main() {
    fColor = vec4(0.0);
    gl_FragDepth = 1.0;
    vec3 way = normalize(rayDir) / boxMm;  // of one mm
    float end = lengthInBox(vColor, way), cutAt = isCut ? distanceToCut(vColor, way) : 0.0;
    float start = max(0.0, cutAt), surfaceAt = -1.0, regionAt = -1.0;
    bool inSlice = cutAt > 0.0 && cutAt < end && greyAt(vColor + start * way) > surface;  // there only what it cuts
    float deepest = inSlice ? 0.0 : SHINES_THROUGH, strongest = 0.0;
    uint hit = 0u;
    ivec3 painted;
    for (float at = start; at < end; at += stepMm) {
      vec3 frac = vColor + at * way;
      if (surfaceAt < 0.0 && greyAt(frac) > surface) surfaceAt = at;
      ivec3 voxel = voxelAt(frac);
      uint code = codeAt(voxel);
      if (code > 0u && code <= mostNumbered && isSeen(code, frac, at, surfaceAt, regionAt, deepest)) {
        bool isNearer = regionAt < 0.0 || (code == chosenRegion && hit != chosenRegion);
        float magnitude = abs(valueAt(voxel));
        if (isNearer) regionAt = at;
        if (isNearer || (byValue && magnitude > strongest && code == hit)) {
          painted = voxel;
          strongest = magnitude;
        }
        if (isNearer) hit = code;
      }
      if (inSlice) break;
      if (surfaceAt >= 0.0 && at - surfaceAt > deepest && (hit == chosenRegion || chosenRegion == 0u)) break;
    }
    if (surfaceAt < 0.0 && regionAt < 0.0) return;
    vec3 colour = vec3(0.0);
    float light = 1.0;
    if (surfaceAt > start) {
      for (int halving = 1; halving < 6; halving++) {  // the surface lies within the last step
        float back = surfaceAt - stepMm / exp2(float(halving));
        if (greyAt(vColor + back * way) > surface) surfaceAt = back;
      }
      light = lightOn(normalOfBrain(vColor + surfaceAt * way));
      colour = vec3(0.8 * light);
    } else if (surfaceAt >= 0.0) {
      colour = vec3(greyAt(vColor + surfaceAt * way));  // the slice, where the brain is cut
    }
    if (regionAt >= 0.0) {  // as if painted on the surface above it, paler the deeper it is
      float depth = surfaceAt < 0.0 ? 0.0 : max(0.0, regionAt - surfaceAt);
      float visible = clamp(1.25 - depth / SHINES_THROUGH, 0.0, 1.0);
      if (hit == chosenRegion) visible = max(visible, 0.6);
      colour = mix(colour, colourAt(painted).rgb * max(light, 0.5), visible);
    }
    float first = surfaceAt < 0.0 ? regionAt : regionAt < 0.0 ? surfaceAt : min(surfaceAt, regionAt);
    fColor = vec4(colour, 1.0);
    vec4 mm = fracToMm * vec4(vColor + first * way, 1.0);
    gl_FragDepth = 0.5 + 0.5 * (mvpMtx * vec4(mm.xyz, 1.0)).z;
  }`;

const SOLID_VERTICES = `#version 300 es
  layout(location=0) in vec3 pos;
  layout(location=1) in vec3 texCoords;
  uniform mat4 mvpMtx;
  out vec3 vColor;
  void main() {
    gl_Position = mvpMtx * vec4(pos, 1.0);
    vColor = texCoords;
  }`;

const bytesOf = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

// The colours of all codes, given those that are drawn as pairs of a code and a colour.
function paletteOf(colours) {
  const palette = new Uint8Array(4 * PALETTE_SIDE ** 2);
  for (const [code, colour] of colours) palette.set([...bytesOf(colour), 255], 4 * code);
  return palette;
}

// A texture of ours in its unit, without interpolation unless asked for.
function makeTexture(gl, name, target, filter = gl.NEAREST) {
  gl.activeTexture(gl.TEXTURE0 + TEXTURE_UNITS[name]);
  gl.bindTexture(target, gl.createTexture());
  for (const key of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(target, key, filter);
  for (const key of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T, gl.TEXTURE_WRAP_R]) {
    gl.texParameteri(target, key, gl.CLAMP_TO_EDGE);
  }
}

// Put values and room for codes, palette and ramp on the graphics card.
function uploadMap(gl, { shape, volume, ramp }) {
  const most = gl.getParameter(gl.MAX_3D_TEXTURE_SIZE);
  if (Math.max(...shape) > most) throw new Error(`this browser draws at most ${most} voxels along an axis`);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  makeTexture(gl, "mapValues", gl.TEXTURE_3D);
  gl.texImage3D(gl.TEXTURE_3D, 0, gl.R32F, ...shape, 0, gl.RED, gl.FLOAT, Float32Array.from(volume));
  makeTexture(gl, "mapCodes", gl.TEXTURE_3D);
  gl.texStorage3D(gl.TEXTURE_3D, 1, gl.R16UI, ...shape);
  makeTexture(gl, "palette", gl.TEXTURE_2D);
  gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, PALETTE_SIDE, PALETTE_SIDE);
  makeTexture(gl, "ramp", gl.TEXTURE_2D, gl.LINEAR);
  const stops = Uint8Array.from(ramp.flatMap((colour) => [...bytesOf(colour), 255]));
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, ramp.length, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, stops);
  gl.activeTexture(gl.TEXTURE0);
}

function uploadCodes(gl, shape, codes) {
  gl.activeTexture(gl.TEXTURE0 + TEXTURE_UNITS.mapCodes);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  gl.texSubImage3D(gl.TEXTURE_3D, 0, 0, 0, 0, ...shape, gl.RED_INTEGER, gl.UNSIGNED_SHORT, codes);
  gl.activeTexture(gl.TEXTURE0);
}

function uploadPalette(gl, palette) {
  gl.activeTexture(gl.TEXTURE0 + TEXTURE_UNITS.palette);
  gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, PALETTE_SIDE, PALETTE_SIDE, gl.RGBA, gl.UNSIGNED_BYTE, palette);
  gl.activeTexture(gl.TEXTURE0);
}

// Set uniforms of a shader of ours by their types: { float: { name: value }, … }; names that it lacks are ignored.
function setUniforms(gl, shader, values) {
  const setters = {
    int: gl.uniform1i, uint: gl.uniform1ui, float: gl.uniform1f, vec2: gl.uniform2fv, vec3: gl.uniform3fv,
    mat4: (place, columns) => gl.uniformMatrix4fv(place, false, columns),
  };
  shader.use(gl);
  for (const [type, uniforms] of Object.entries(values)) {
    for (const [name, value] of Object.entries(uniforms)) {
      setters[type].call(gl, gl.getUniformLocation(shader.program, name), value);
    }
  }
}
