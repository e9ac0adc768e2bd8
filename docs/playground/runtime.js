// What JAX's operations need beyond those of JavaScript; the generated programs call it.
const TOP = 2 ** 63; // an int64 beyond 2**53 is rounded, or a BigInt where its bits matter
const VIEW = new DataView(new ArrayBuffer(8));
const small = (a, b) => Number.isInteger(a) && Number.isInteger(b) && (a | 0) === a && (b | 0) === b;
const plain = (n) => (Number.isSafeInteger(Number(n)) ? Number(n) : n);
const signed = (n) => plain(BigInt.asIntN(64, n));
const AND = (a, b) => (small(a, b) ? a & b : signed(BigInt(a) & BigInt(b)));
const OR = (a, b) => (small(a, b) ? a | b : signed(BigInt(a) | BigInt(b)));
const SHL = (a, b) => (b > 63 ? 0 : signed(BigInt(a) << BigInt(b)));
const SHR = (a, b) => (b > 63 ? 0 : signed(BigInt.asUintN(64, BigInt(a)) >> BigInt(b)));
const SAR = (a, b) => signed(BigInt(a) >> BigInt(b > 63 ? 63 : b));
const F4 = Math.fround;
const MUL4 = (a, b) => Math.imul(a, b) >>> 0;
const SHL4 = (a, b) => (b > 31 ? 0 : (a << b) >>> 0);
const SHR4 = (a, b) => (b > 31 ? 0 : a >>> b);
const DIV = (a, b) => (b ? Math.trunc(a / b) : -1);
const REM = (a, b) => (b ? a % b : a);
const WHOLE = (x, low, high) => (x !== x ? 0 : Math.min(Math.max(Math.trunc(x), low), high));
const POW = (a, b) => (a === 1 ? 1 : a ** b);
const AWAY = (x) => Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
const EVEN = (x) => {
  const down = Math.floor(x), part = x - down;
  return part < 0.5 || (part === 0.5 && down % 2 === 0) ? down : down + 1;
};

// The bits of a float64, and a float64 of bits; HEAD keeps its leading 26 digits.
const BITS = (x, unsigned) => {
  VIEW.setFloat64(0, x);
  return plain(unsigned ? VIEW.getBigUint64(0) : VIEW.getBigInt64(0));
};
const FLOAT = (bits) => {
  VIEW.setBigInt64(0, BigInt(bits));
  return VIEW.getFloat64(0);
};
const HEAD = (x) => {
  VIEW.setFloat64(0, x);
  VIEW.setUint32(4, VIEW.getUint32(4) & 0xf8000000);
  return VIEW.getFloat64(0);
};

// Arrays, which lie flat.
const MAP = (n, f) => Array.from({ length: n }, (_, i) => f(i));
const PICK = (a, places, shift = 0) => places.map((i) => a[i + shift]);
const AT = (a, i) => a[Math.min(Math.max(i, 0), a.length - 1)];
const PUT = (a, i, x) => a.map((old, k) => (k === i ? x : old));
const SUM = (a, start) => a.reduce((sum, x) => sum + x, start);
const CUMSUM = (a, row) => {
  const sums = a.slice();
  for (let i = 0; i < sums.length; i++) if (i % row) sums[i] += sums[i - 1];
  return sums;
};

// Normal noise: erf by its series, its inverse by Halley's steps from Winitzki's guess.
const ERF = (x) => {
  if (Math.abs(x) > 6) return Math.sign(x);
  let sum = x, term = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) sum += term *= (2 * x * x) / (2 * n + 1);
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
};
const ERFINV = (y) => {
  if (Math.abs(y) >= 1) return y * Infinity;
  const log = Math.log1p(-y * y), a = 2 / (0.147 * Math.PI) + log / 2;
  let x = Math.sign(y) * Math.sqrt(Math.sqrt(a * a - log / 0.147) - a);
  for (let k = 0; k < 4; k++) {
    const error = ((ERF(x) - y) * Math.sqrt(Math.PI) * Math.exp(x * x)) / 2;
    x -= error / (1 + x * error);
  }
  return x;
};

// JAX's random numbers: threefry with 20 rounds.
const THREEFRY = (key, count) => {
  const keys = [key[0], key[1], (key[0] ^ key[1] ^ 0x1bd11bda) >>> 0];
  let a = (count[0] + keys[0]) >>> 0, b = (count[1] + keys[1]) >>> 0;
  for (let group = 0; group < 5; group++) {
    for (const by of group % 2 ? [17, 29, 16, 24] : [13, 15, 26, 6]) {
      a = (a + b) >>> 0;
      b = (((b << by) | (b >>> (32 - by))) ^ a) >>> 0;
    }
    a = (a + keys[(group + 1) % 3]) >>> 0;
    b = (b + keys[(group + 2) % 3] + group + 1) >>> 0;
  }
  return [a, b];
};
const BITS32 = (key) => {
  const [a, b] = THREEFRY(key, [0, 0]);
  return (a ^ b) >>> 0;
};
