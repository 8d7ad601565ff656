// Which lines of a text differ from another text's.

const MOST = 400_000; // pairs of lines compared; past that the whole middle counts as changed

// {rows: rows of `next` (from 0) that are new or stand where lines went, count: lines that differ}
export function lineChanges(old, next) {
  const before = old.split("\n");
  const after = next.split("\n");
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const one = before.slice(head, before.length - tail);
  const two = after.slice(head, after.length - tail);
  const kept = one.length * two.length > MOST ? [] : shared(one, two);
  const rows = new Set();
  let count = 0;
  let [i, j] = [0, 0];
  for (const [k, l] of [...kept, [one.length, two.length]]) {
    count += Math.max(k - i, l - j);
    for (let row = j; row < l; row += 1) rows.add(head + row);
    if (k > i && l === j) rows.add(Math.min(head + j, after.length - 1)); // lines went before this one
    [i, j] = [k + 1, l + 1];
  }
  return { rows: [...rows], count };
}

// Pairs of places of a longest common subsequence.
function shared(one, two) {
  const width = two.length + 1;
  const lengths = new Uint32Array((one.length + 1) * width);
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = two.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = one[i] === two[j] ? lengths[(i + 1) * width + j + 1] + 1 : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const pairs = [];
  for (let i = 0, j = 0; i < one.length && j < two.length;) {
    if (one[i] === two[j]) { pairs.push([i, j]); i += 1; j += 1; } else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i += 1;
    else j += 1;
  }
  return pairs;
}
