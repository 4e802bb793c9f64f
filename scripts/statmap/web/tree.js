// The component tree of a map: every cluster at every cutoff, as in scripts/statmap/stability/tree.py. It is built here
// by flooding from the highest voxel down, so that the page contains the values and no tree. No function here uses the
// document.
// A volume is a typed array of values, its first axis fastest, and a shape [a, b, c].

// Voxels that pass at a cutoff, per sign: what is compared with it, or 0.
const MAGNITUDES = {
  positive: (value) => value,
  negative: (value) => -value,
  mixed: Math.abs,
};

// Offsets [x, y, z] to all neighbours of a voxel.
function neighbours(connectivity) {
  const reach = { 6: 1, 18: 2, 26: 3 }[connectivity], offsets = [];
  for (const z of [-1, 0, 1]) for (const y of [-1, 0, 1]) for (const x of [-1, 0, 1]) {
    const moved = Math.abs(x) + Math.abs(y) + Math.abs(z);
    if (moved > 0 && moved <= reach) offsets.push([x, y, z]);
  }
  return offsets;
}

// Flat steps to all neighbours, in an array with the given lengths of its first two axes.
function steps(connectivity, a, b) {
  return Int32Array.from(neighbours(connectivity), ([x, y, z]) => x + a * (y + b * z));
}

// The place of a voxel in memory as Python lays the volume out (its last axis fastest), which decides ties.
function inC(voxel, [a, b, c]) {
  return ((voxel % a) * b + (Math.floor(voxel / a) % b)) * c + Math.floor(voxel / (a * b));
}

// Positive voxels of one sign from the highest down, of equal ones the first in C order first: { voxels, values }.
function descending(volume, shape, sign) {
  const [a, b, c] = shape, magnitude = MAGNITUDES[sign], inside = [];
  for (let voxel = 0; voxel < volume.length; voxel++) if (magnitude(volume[voxel]) > 0) inside.push(voxel);
  const levels = new Float64Array(inside.length);
  for (let n = 0; n < inside.length; n++) levels[n] = magnitude(volume[inside[n]]);
  levels.sort();
  let different = 0;
  for (let n = 0; n < levels.length; n++) if (n === 0 || levels[n] !== levels[n - 1]) levels[different++] = levels[n];
  const level = (value) => {
    let low = 0, high = different - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (levels[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  // Level and index in one number, exact up to 2^53: a sort of numbers is many times faster than one that compares.
  const keys = new Float64Array(inside.length);
  for (let n = 0; n < inside.length; n++) {
    keys[n] = (different - 1 - level(magnitude(volume[inside[n]]))) * volume.length + inC(inside[n], shape);
  }
  keys.sort();
  const voxels = new Int32Array(keys.length), values = new Float64Array(keys.length);
  for (let n = 0; n < keys.length; n++) {
    const place = keys[n] % volume.length, k = place % c, j = Math.floor(place / c) % b;
    voxels[n] = Math.floor(place / (b * c)) + a * (j + b * k);
    values[n] = magnitude(volume[voxels[n]]);
  }
  return { voxels, values };
}

// The tree of one sign: voxels and values from the highest down, the peak of each (an index into birth, death and
// parent), peaks in the order in which the clusters at any cutoff are runs: a run starts where death < cutoff.
function growTree(volume, shape, connectivity, sign) {
  const { voxels, values } = descending(volume, shape, sign), n = voxels.length;
  const [a, b, c] = shape, a2 = a + 2, b2 = b + 2; // one voxel of background all around
  const around = steps(connectivity, a2, b2), basins = new Int32Array(a2 * b2 * (c + 2)).fill(-1);
  const basin = new Int32Array(n), elder = new Int32Array(n), last = new Int32Array(n), following = new Int32Array(n);
  const birth = new Float64Array(n), death = new Float64Array(n), parent = new Int32Array(n);
  let peaks = 0;
  for (let rank = 0; rank < n; rank++) {
    const voxel = voxels[rank], value = values[rank];
    const x = voxel % a, y = ((voxel - x) / a) % b, z = (voxel - x - a * y) / (a * b);
    const place = x + 1 + a2 * (y + 1 + b2 * (z + 1));
    let strongest = -1, before = -1;
    for (let step = 0; step < around.length; step++) {
      let peak = basins[place + around[step]];
      if (peak < 0 || peak === before) continue;
      before = peak;
      while (elder[peak] !== peak) peak = elder[peak] = elder[elder[peak]];
      if (strongest < 0) strongest = peak;
      else if (peak !== strongest) { // the stronger peak, which has the lower number, continues
        const weak = Math.max(strongest, peak);
        strongest = Math.min(strongest, peak);
        elder[weak] = parent[weak] = strongest;
        death[weak] = value;
        following[last[strongest]] = weak;
        last[strongest] = last[weak];
      }
    }
    if (strongest < 0) {
      strongest = peaks++;
      elder[strongest] = last[strongest] = strongest;
      following[strongest] = parent[strongest] = -1;
      birth[strongest] = value;
      death[strongest] = -Infinity;
    }
    basin[rank] = basins[place] = strongest;
  }
  const position = new Int32Array(peaks), order = new Int32Array(peaks);
  let next = 0;
  for (let first = 0; first < peaks; first++) {
    if (parent[first] >= 0) continue;
    for (let peak = first; peak >= 0; peak = following[peak]) {
      position[peak] = next;
      order[next++] = peak;
    }
  }
  const tree = {
    sign, voxels, values, basin: basin.map((peak) => position[peak]),
    birth: Float64Array.from(order, (peak) => birth[peak]), death: Float64Array.from(order, (peak) => death[peak]),
    parent: Int32Array.from(order, (peak) => (parent[peak] < 0 ? -1 : position[parent[peak]])),
  };
  // Joins at one value count as one: the parent is the strongest peak of the cluster that they form.
  for (let peak = 0; peak < peaks; peak++) {
    let up = tree.parent[peak];
    while (up >= 0 && tree.parent[up] >= 0 && tree.death[up] === tree.death[peak]) up = tree.parent[up];
    tree.parent[peak] = up;
  }
  return tree;
}

// Number of voxels at or above a cutoff: they come first.
function passing(tree, cutoff) {
  let low = 0, high = tree.values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (tree.values[middle] >= cutoff) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Clusters at a cutoff: how many voxels pass, the cluster of each peak (from 0; -1 above its birth), their number.
function cutTree(tree, cutoff) {
  const { birth, death } = tree, cluster = new Int32Array(birth.length);
  let clusters = 0;
  for (let peak = 0; peak < birth.length; peak++) {
    if (death[peak] < cutoff && birth[peak] >= cutoff) clusters++;
    cluster[peak] = birth[peak] >= cutoff ? clusters - 1 : -1;
  }
  return { passed: passing(tree, cutoff), cluster, clusters };
}

// Everything that follows from a smallest number of voxels: for each peak the highest cutoff at which its cluster is
// large enough (NaN: at none), and number and voxels of the large clusters at a series of cutoffs, highest first.
function replay(tree, smallest, cutoffs) {
  const { values, basin, death } = tree, peaks = death.length;
  const highest = new Float64Array(peaks).fill(NaN);
  const first = Int32Array.from({ length: peaks }, (_, peak) => peak), end = first.map((peak) => peak + 1);
  const size = new Int32Array(peaks), large = new Uint8Array(peaks);
  const joins = [...first].filter((peak) => death[peak] > -Infinity).sort((a, b) => death[b] - death[a]);
  const counts = new Int32Array(cutoffs.length), voxels = new Int32Array(cutoffs.length);
  let count = 0, total = 0, join = 0, sample = 0;
  const start = (peak) => {
    while (first[peak] !== peak) peak = first[peak] = first[first[peak]];
    return peak;
  };
  const grown = (run, value) => {
    large[run] = 1;
    count++;
    total += size[run];
    highest.fill(value, run, end[run]);
  };
  for (let rank = 0; rank < values.length; rank++) {
    const value = values[rank];
    for (; sample < cutoffs.length && cutoffs[sample] > value; sample++) {
      [counts[sample], voxels[sample]] = [count, total];
    }
    for (; join < joins.length && death[joins[join]] >= value; join++) {
      const right = start(joins[join]), left = start(right - 1);
      if (large[left] !== large[right]) {
        const small = large[left] ? right : left;
        total += size[small];
        highest.fill(value, small, end[small]);
      } else count -= large[left];
      first[right] = left;
      end[left] = end[right];
      size[left] += size[right];
      if (large[left] || large[right]) large[left] = 1;
      else if (size[left] >= smallest) grown(left, value);
    }
    const run = start(basin[rank]);
    size[run]++;
    if (large[run]) total++;
    else if (size[run] >= smallest) grown(run, value);
  }
  for (; sample < cutoffs.length; sample++) [counts[sample], voxels[sample]] = [count, total];
  return { highest, counts, voxels };
}

// The fewest voxels that pass a smallest size in mm³. As statmap.regions.clusters.large_enough, which says why, a size
// that is a whole number of voxels but for rounding is taken for that number.
function smallestCluster(mm3, voxelVolume, rule) {
  const quotient = mm3 / voxelVolume, whole = Math.round(quotient);
  const voxels = Math.abs(quotient - whole) <= Math.min(1e-6 * quotient, 0.1) ? whole : quotient;
  return Math.max(1, rule === ">" ? Math.floor(voxels) + 1 : Math.ceil(voxels));
}

const bitAt = (bits, place) => Boolean((bits[place >> 3] >> (place & 7)) & 1);

// A volume of given values, in order, where a bit is set, and elsewhere of the mean of the block that a voxel lies in;
// blocks have `step` voxels along each side and means are counted in `unit`.
function fillBlocks(values, bits, [a, b, c], { step, unit, means }) {
  const volume = new values.constructor(a * b * c), [across, up] = [Math.ceil(a / step), Math.ceil(b / step)];
  let voxel = 0, given = 0;
  for (let k = 0; k < c; k++) {
    for (let j = 0; j < b; j++) {
      const row = across * (Math.floor(j / step) + up * Math.floor(k / step));
      for (let i = 0; i < a; i++, voxel++) {
        volume[voxel] = bitAt(bits, voxel) ? values[given++] : unit * means[row + Math.floor(i / step)];
      }
    }
  }
  return volume;
}

// Indices [i, j, k] of a voxel.
function indicesOf(voxel, [a, b]) {
  const i = voxel % a, j = ((voxel - i) / a) % b;
  return [i, j, (voxel - i - a * j) / (a * b)];
}

// Position in mm of a voxel.
function toMm(voxel, shape, affine) {
  const [i, j, k] = indicesOf(voxel, shape);
  return affine.slice(0, 3).map((row) => row[0] * i + row[1] * j + row[2] * k + row[3]);
}

// The 4 x 4 matrix that undoes an affine.
function inverse(affine) {
  const [[a, b, c, x], [d, e, f, y], [g, h, i, z]] = affine;
  const cofactors = [[e * i - f * h, c * h - b * i, b * f - c * e], [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d]];
  const determinant = a * cofactors[0][0] + b * cofactors[1][0] + c * cofactors[2][0];
  const rows = cofactors.map((row) => row.map((value) => value / determinant));
  return [...rows.map((row) => [...row, -(row[0] * x + row[1] * y + row[2] * z)]), [0, 0, 0, 1]];
}

// The voxel that a place in mm lies in, -1 outside of the volume; given is the inverse of the affine.
function voxelAt([x, y, z], [a, b, c], toVoxel) {
  const [i, j, k] = toVoxel.slice(0, 3).map((row) => Math.floor(row[0] * x + row[1] * y + row[2] * z + row[3] + 0.5));
  const inside = i >= 0 && j >= 0 && k >= 0 && i < a && j < b && k < c;
  return inside ? i + a * (j + b * k) : -1;
}

// The connected voxels with the code, and where signs are apart the sign, of a voxel, it among them.
function clusterOf(voxel, codes, volume, [a, b, c], connectivity, signsApart) {
  const offsets = neighbours(connectivity), visited = new Set([voxel]), waiting = [voxel];
  while (waiting.length > 0) {
    const [i, j, k] = indicesOf(waiting.pop(), [a, b]);
    for (const [x, y, z] of offsets) {
      if (i + x < 0 || j + y < 0 || k + z < 0 || i + x >= a || j + y >= b || k + z >= c) continue;
      const beside = i + x + a * (j + y + b * (k + z));
      if (codes[beside] !== codes[voxel] || visited.has(beside)) continue;
      if (signsApart && volume[beside] > 0 !== volume[voxel] > 0) continue;
      visited.add(beside);
      waiting.push(beside);
    }
  }
  return visited;
}

// Clusters of at least `smallest` voxels at a cutoff, largest first, as regions.csv has them: sign, voxels, peak (the
// voxel of largest magnitude; of several that touch the one nearest to the middle of them, of several such plateaus the
// one whose first voxel comes first), its value and mm; low and high, its robust interval of cutoffs;
// and the code of every voxel (see voxel_codes in viewer.py): its region from 1, `unnumbered` after the last number,
// `too_small`, or 0 where it does not pass.
function findRegions(trees, volume, shape, affine, cutoff, smallest, { unnumbered, too_small: tooSmall }) {
  const regions = [];
  const cuts = trees.map((tree) => cutTree(tree, cutoff));
  trees.forEach((tree, which) => {
    const { passed, cluster, clusters } = cuts[which], sizes = new Int32Array(clusters);
    const plateau = plateausOf(tree), plateauOfPeak = new Int32Array(clusters);
    const ties = Array.from({ length: clusters }, () => []), tops = new Float64Array(clusters);
    const above = new Int32Array(clusters);
    for (let rank = 0; rank < passed; rank++) {
      const basin = tree.basin[rank], number = cluster[basin];
      if (sizes[number]++ === 0) [tops[number], plateauOfPeak[number]] = [tree.values[rank], plateau[basin]];
      if (tree.values[rank] === tops[number] && plateau[basin] === plateauOfPeak[number]) ties[number].push(rank);
      if (volume[tree.voxels[rank]] > 0) above[number]++;
    }
    cuts[which].code = new Uint16Array(clusters).fill(tooSmall);
    for (let number = 0; number < clusters; number++) {
      const voxels = sizes[number];
      if (voxels < smallest) continue;
      const peak = tree.voxels[mostCentral(ties[number], tree.voxels, shape, affine)];
      const strongest = tree.basin[ties[number][0]];
      regions.push({
        which, number, voxels, peak, value: volume[peak], mm: toMm(peak, shape, affine),
        sign: { 0: "negative", [voxels]: "positive" }[above[number]] ?? "mixed",
        low: Math.max(tree.death[strongest], 0), of: strongest, order: inC(peak, shape),
      });
    }
  });
  regions.sort((one, other) => other.voxels - one.voxels || one.order - other.order);
  regions.forEach(({ which, number }, n) => { cuts[which].code[number] = Math.min(n + 1, unnumbered); });
  const codes = new Uint16Array(volume.length);
  trees.forEach((tree, which) => {
    const { passed, cluster, code } = cuts[which];
    for (let rank = 0; rank < passed; rank++) codes[tree.voxels[rank]] = code[cluster[tree.basin[rank]]];
  });
  return { regions, codes };
}

// The number of the plateau of each peak: a peak with death equal to birth is on the plateau of the peak before it.
function plateausOf({ birth, death }) {
  let number = -1;
  return Int32Array.from(birth, (value, peak) => (value > death[peak] ? ++number : number));
}

function mostCentral(ranks, voxels, shape, affine) {
  if (ranks.length === 1) return ranks[0];
  const places = ranks.map((rank) => toMm(voxels[rank], shape, affine));
  const middle = [0, 1, 2].map((axis) => places.reduce((sum, mm) => sum + mm[axis], 0) / places.length);
  const far = places.map((mm) => Math.hypot(...mm.map((value, axis) => value - middle[axis])));
  const nearest = far.reduce((one, other) => Math.min(one, other)) + 1e-6;
  return ranks.filter((_, n) => far[n] <= nearest).reduce((one, other) => (
    inC(voxels[one], shape) < inC(voxels[other], shape) ? one : other));
}

// The true discovery proportion of each region, as region_tdp of scripts/statmap/inference/statistics.py: of n voxels
// at least 1 - u + #{ranks up to u} are active, for the best u. Null for each where no ranks are known.
function activeShares(codes, regions, volume, known, sided) {
  if (!known) return regions.map(() => null);
  const magnitude = MAGNITUDES[sided === "two" ? "mixed" : sided], { levels, ranks } = known;
  const ranksOf = regions.map(() => []);
  for (let voxel = 0; voxel < codes.length; voxel++) {
    if (codes[voxel] === 0 || codes[voxel] > regions.length) continue;
    const value = magnitude(volume[voxel]);
    let low = 0, high = levels.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (levels[middle] > value) low = middle + 1;
      else high = middle;
    }
    if (low < levels.length) ranksOf[codes[voxel] - 1].push(ranks[low]);
  }
  return ranksOf.map((unsorted, n) => {
    const sorted = Uint32Array.from(unsorted).sort();
    const most = sorted.reduce((best, rank, at) => Math.max(best, at + 2 - rank), 0);
    return most / regions[n].voxels;
  });
}

// How the regions of two volumes of codes match, as statmap.stability.agreement.match_regions has it: for every pair
// that overlaps { a, b, voxels, dice, bestA, bestB }, and with 0 for the partner every region that overlaps none.
function matchRegions(codesA, codesB, mostNumbered) {
  const sizeA = new Map(), sizeB = new Map(), overlaps = new Map();
  const count = (counts, key) => counts.set(key, (counts.get(key) ?? 0) + 1);
  const region = (code) => (code <= mostNumbered ? code : 0);
  for (let voxel = 0; voxel < codesA.length; voxel++) {
    const a = region(codesA[voxel]), b = region(codesB[voxel]);
    if (a) count(sizeA, a);
    if (b) count(sizeB, b);
    if (a && b) count(overlaps, a * 65536 + b);
  }
  const pairs = [...overlaps].map(([key, voxels]) => {
    const a = Math.floor(key / 65536), b = key % 65536;
    return { a, b, voxels, dice: 2 * voxels / (sizeA.get(a) + sizeB.get(b)), bestA: false, bestB: false };
  }).sort((one, other) => one.a - other.a || one.b - other.b);
  markBest(pairs, "a", "bestA");
  markBest(pairs, "b", "bestB");
  const [partnersA, partnersB] = ["a", "b"].map((side) => new Set(pairs.map((pair) => pair[side])));
  const alone = { voxels: 0, dice: 0, bestA: false, bestB: false };
  for (const a of sizeA.keys()) if (!partnersA.has(a)) pairs.push({ a, b: 0, ...alone });
  for (const b of sizeB.keys()) if (!partnersB.has(b)) pairs.push({ a: 0, b, ...alone });
  return pairs.sort((one, other) => (one.a === 0) - (other.a === 0) || one.a - other.a || one.b - other.b);
}

// Mark each region's pair of largest Dice, of equal ones the first; given are pairs in the order of their regions.
function markBest(pairs, side, mark) {
  const best = new Map();
  for (const pair of pairs) if (!(best.get(pair[side])?.dice >= pair.dice)) best.set(pair[side], pair);
  for (const pair of best.values()) pair[mark] = true;
}

// Which voxels are in a region of the first volume only (1), of the second only (2), of both (3); 0 of neither.
function compareCodes(codesA, codesB, { unnumbered }) {
  const inRegion = (code) => code > 0 && code <= unnumbered;
  return codesA.map((code, voxel) => inRegion(code) + 2 * inRegion(codesB[voxel]));
}
