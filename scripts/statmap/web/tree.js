// The component tree of a map: every cluster at every cutoff at once, as scripts/statmap/stability/tree.py describes it,
// grown here by flooding from the highest voxel down, so that the page carries the values and no tree. No document here.
// A volume is a typed array of values, its first axis fastest, and a shape [a, b, c].

// Voxels that pass at a cutoff, per sign: what is compared with it, or 0.
const MAGNITUDES = {
  positive: (value) => value,
  negative: (value) => -value,
  mixed: Math.abs,
};

// Flat steps to all neighbours, in an array with the given lengths of its first two axes.
function steps(connectivity, a, b) {
  const reach = { 6: 1, 18: 2, 26: 3 }[connectivity], found = [];
  for (const z of [-1, 0, 1]) for (const y of [-1, 0, 1]) for (const x of [-1, 0, 1]) {
    const moved = Math.abs(x) + Math.abs(y) + Math.abs(z);
    if (moved > 0 && moved <= reach) found.push(x + a * (y + b * z));
  }
  return Int32Array.from(found);
}

// Positive voxels of one sign from the highest down, of equal ones the lowest index first: { voxels, values }.
function descending(volume, sign) {
  const magnitude = MAGNITUDES[sign], inside = [];
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
    keys[n] = (different - 1 - level(magnitude(volume[inside[n]]))) * volume.length + inside[n];
  }
  keys.sort();
  const voxels = new Int32Array(keys.length), values = new Float64Array(keys.length);
  for (let n = 0; n < keys.length; n++) {
    voxels[n] = keys[n] % volume.length;
    values[n] = magnitude(volume[voxels[n]]);
  }
  return { voxels, values };
}

// The tree of one sign: voxels and values from the highest down, the peak of each (an index into birth, death and
// parent), peaks in the order in which the clusters at any cutoff are runs: a run starts where death < cutoff.
function growTree(volume, shape, connectivity, sign) {
  const { voxels, values } = descending(volume, sign), n = voxels.length;
  const [a, b, c] = shape, a2 = a + 2, b2 = b + 2; // one voxel of background all around
  const around = steps(connectivity, a2, b2), basins = new Int32Array(a2 * b2 * (c + 2)).fill(-1);
  const basin = new Int32Array(n), elder = new Int32Array(n), last = new Int32Array(n), following = new Int32Array(n);
  const birth = new Float64Array(n), death = new Float64Array(n), parent = new Int32Array(n);
  let peaks = 0;
  for (let rank = 0; rank < n; rank++) {
    const voxel = voxels[rank], value = values[rank];
    const x = voxel % a, y = ((voxel - x) / a) % b, z = (voxel - x - a * y) / (a * b);
    const place = x + 1 + a2 * (y + 1 + b2 * (z + 1));
    let own = -1, seen = -1;
    for (let step = 0; step < around.length; step++) {
      let other = basins[place + around[step]];
      if (other < 0 || other === seen) continue;
      seen = other;
      while (elder[other] !== other) other = elder[other] = elder[elder[other]];
      if (own < 0) own = other;
      else if (other !== own) { // the stronger peak, which has the lower number, lives on
        const weak = Math.max(own, other);
        own = Math.min(own, other);
        elder[weak] = parent[weak] = own;
        death[weak] = value;
        following[last[own]] = weak;
        last[own] = last[weak];
      }
    }
    if (own < 0) {
      own = peaks++;
      elder[own] = last[own] = own;
      following[own] = parent[own] = -1;
      birth[own] = value;
      death[own] = -Infinity;
    }
    basin[rank] = basins[place] = own;
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
  // Several joins at one value are one event: the parent is the strongest peak of what they make together.
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
    for (; sample < cutoffs.length && cutoffs[sample] > value; sample++) [counts[sample], voxels[sample]] = [count, total];
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

// The least number of voxels that passes the size filter, as statmap.regions.extract.large_enough has it.
function smallestCluster(mm3, voxelVolume, rule) {
  const voxels = mm3 / voxelVolume;
  return Math.max(1, rule === ">" ? Math.floor(voxels) + 1 : Math.ceil(voxels * (1 - 1e-12)));
}

// Position in mm of a voxel.
function toMm(voxel, [a, b], affine) {
  const i = voxel % a, j = ((voxel - i) / a) % b, k = (voxel - i - a * j) / (a * b);
  return affine.slice(0, 3).map((row) => row[0] * i + row[1] * j + row[2] * k + row[3]);
}

// Clusters of at least `smallest` voxels at a cutoff, largest first, as regions.csv has them: sign, voxels, peak (the
// voxel of largest magnitude, of several the one nearest to the middle of them), its value and mm; low and high, the
// cutoffs between which it stands by itself; and the region of every voxel (from 1; 0 outside).
function findRegions(trees, volume, shape, affine, cutoff, smallest) {
  const [a, b, c] = shape, found = [];
  const inC = (voxel) => (((voxel % a) * b + (Math.floor(voxel / a) % b)) * c + Math.floor(voxel / (a * b)));
  const cuts = trees.map((tree) => cutTree(tree, cutoff));
  trees.forEach((tree, which) => {
    const { passed, cluster, clusters } = cuts[which], sizes = new Int32Array(clusters);
    const ties = Array.from({ length: clusters }, () => []), tops = new Float64Array(clusters);
    const above = new Int32Array(clusters);
    for (let rank = 0; rank < passed; rank++) {
      const own = cluster[tree.basin[rank]];
      if (sizes[own]++ === 0) tops[own] = tree.values[rank];
      if (tree.values[rank] === tops[own]) ties[own].push(rank);
      if (volume[tree.voxels[rank]] > 0) above[own]++;
    }
    cuts[which].region = new Int32Array(clusters);
    for (let own = 0; own < clusters; own++) {
      if (sizes[own] < smallest) continue;
      const rank = mostCentral(ties[own], tree.voxels, shape, affine, inC), voxel = tree.voxels[rank];
      let low = tree.basin[rank];
      while (tree.parent[low] >= 0 && tree.birth[tree.parent[low]] === tree.birth[low]) low = tree.parent[low];
      found.push({
        which, own, sign: { 0: "negative", [sizes[own]]: "positive" }[above[own]] ?? "mixed", voxels: sizes[own], peak: voxel, value: volume[voxel],
        mm: toMm(voxel, shape, affine), low: Math.max(tree.death[low], 0), of: tree.basin[rank], order: inC(voxel),
      });
    }
  });
  found.sort((one, other) => other.voxels - one.voxels || one.order - other.order);
  // NiiVue takes labels of 16 bits: what comes after that many regions is in the table, not in the scene.
  found.slice(0, 65535).forEach((region, n) => { cuts[region.which].region[region.own] = n + 1; });
  const labels = new Uint16Array(volume.length);
  trees.forEach((tree, which) => {
    const { passed, cluster, region } = cuts[which];
    for (let rank = 0; rank < passed; rank++) labels[tree.voxels[rank]] = region[cluster[tree.basin[rank]]];
  });
  return { regions: found, labels };
}

function mostCentral(ranks, voxels, shape, affine, inC) {
  if (ranks.length === 1) return ranks[0];
  const places = ranks.map((rank) => toMm(voxels[rank], shape, affine));
  const middle = [0, 1, 2].map((axis) => places.reduce((sum, mm) => sum + mm[axis], 0) / places.length);
  const far = places.map((mm) => Math.hypot(...mm.map((value, axis) => value - middle[axis])));
  const nearest = far.reduce((one, other) => Math.min(one, other)) + 1e-6;
  return ranks.filter((_, n) => far[n] <= nearest).reduce((one, other) => (
    inC(voxels[one]) < inC(voxels[other]) ? one : other));
}

// Of each region the least share of its voxels that is active, as region_tdp of scripts/statmap/inference/statistics.py
// bounds it: of n voxels 1 - u + #{ranks up to u} are, for the best u. Null for each where no ranks are known.
function activeShares(labels, regions, volume, known, sided) {
  if (!known) return regions.map(() => null);
  const magnitude = MAGNITUDES[sided === "two" ? "mixed" : sided], { levels, ranks } = known;
  const own = regions.map(() => []);
  for (let voxel = 0; voxel < labels.length; voxel++) {
    if (labels[voxel] === 0) continue;
    const value = magnitude(volume[voxel]);
    let low = 0, high = levels.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (levels[middle] > value) low = middle + 1;
      else high = middle;
    }
    if (low < levels.length) own[labels[voxel] - 1].push(ranks[low]);
  }
  return own.map((found, n) => {
    const sorted = Uint32Array.from(found).sort();
    const most = sorted.reduce((most, rank, at) => Math.max(most, at + 2 - rank), 0);
    return most / regions[n].voxels;
  });
}
