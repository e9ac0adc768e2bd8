// Numbers and schedules as text: the line of Python, the configuration, the command.
const LINE = 66; // characters
const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const grouped = (n) => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ",");

// A float as Python writes it, or shorter: always with a point or an exponent.
function pythonFloat(x) {
  const size = Math.abs(x);
  if (size && (size < 1e-3 || size >= 1e16)) return x.toExponential().replace("e+", "e");
  return Number.isInteger(x) ? `${x}.0` : String(x);
}
const pythonNumber = (parameter, x) => (isWhole(parameter) ? String(x) : pythonFloat(x));

// A few digits, for people.
function number(x, digits = 4) {
  if (x === 0 || Number.isInteger(x)) return Math.abs(x) < 1e15 ? grouped(x) : x.toExponential(digits - 1);
  const size = Math.abs(x);
  if (size < 1e-3 || size >= 1e6) return x.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("e+", "e");
  return String(Number(x.toPrecision(digits)));
}

const shownAs = (s, name) => pythonNumber(entryOf(s).parameters[name], s.values[name]);

// Keywords at their defaults are left out.
function pythonLine(s) {
  const { line, names, leftOut } = variantOf(s);
  const kept = line.replace(/, \w+=(\w+)\b/g, (text, name) => {
    return has(leftOut, name) && s.values[name] === leftOut[name] ? "" : text;
  });
  return kept.replace(/(\w+)(?![\w(.=])/g, (word, _, at) => {
    return names.includes(word) && kept[at - 1] !== "." ? shownAs(s, word) : word;
  });
}

// A call on one line if it fits, else its arguments on lines of their own.
function broken(text) {
  if (text.length <= LINE) return text;
  const open = text.indexOf("(") + 1, parts = [""];
  let depth = 0;
  for (const c of text.slice(open, -1)) {
    depth += "([".includes(c) - ")]".includes(c);
    if (c === "," && !depth) parts.push("");
    else parts[parts.length - 1] += c;
  }
  return `${text.slice(0, open)}\n${parts.map((part) => `    ${part.trim()},\n`).join("")})`;
}

function pythonText(state) {
  const lines = ["import anneal_jax as anneal", "", broken(`schedule = ${pythonLine(state.a)}`)];
  if (state.b) lines.push(broken(`other = ${pythonLine(state.b)}`));
  return lines.join("\n");
}

// The arguments of a configuration, without those at their defaults.
function givenIn(node, s) {
  const { leftOut } = variantOf(s);
  const name = (v) => (typeof v === "string" && v[0] === "$" ? v.slice(1) : "");
  return Object.entries(node).filter(([, v]) => !has(leftOut, name(v)) || s.values[name(v)] !== leftOut[name(v)]);
}

function configText(s, pad = "") {
  const tree = variantOf(s).config;
  if (tree === null) return "A Python function is code, so it has no configuration.";
  return json(tree, pad, s);
}

function json(node, pad, s) {
  const inner = `${pad}  `;
  if (typeof node === "string" && node[0] === "$") return shownAs(s, node.slice(1));
  if (Array.isArray(node)) {
    const parts = node.map((x) => json(x, inner, s));
    return node.some((x) => typeof x === "object") ? `[\n${inner}${parts.join(`,\n${inner}`)}\n${pad}]` : `[${parts.join(", ")}]`;
  }
  if (node === null || typeof node !== "object") return JSON.stringify(node);
  const parts = givenIn(node, s).map(([k, v]) => `${inner}"${k}": ${json(v, inner, s)}`);
  return `{\n${parts.join(",\n")}\n${pad}}`;
}

// The expression that the command line reads: the configuration, written as a call.
function expression(node, s) {
  if (Array.isArray(node)) return `[${node.map((x) => expression(x, s)).join(", ")}]`;
  if (node !== null && typeof node === "object") {
    const given = givenIn(node, s).filter(([k]) => k !== "kind" && k !== "version");
    return `${node.kind}(${given.map(([k, v]) => `${k}=${expression(v, s)}`).join(", ")})`;
  }
  if (typeof node === "string" && node[0] === "$") return shownAs(s, node.slice(1));
  if (typeof node === "boolean") return node ? "True" : "False";
  return typeof node === "string" && !/^[A-Z]/.test(node) ? `"${node}"` : String(node);
}

function commandText(state) {
  const given = [state.a, state.b].filter((s) => s && variantOf(s).config);
  if (!given.length) return "A Python function is code, which the command line does not read.";
  const specs = given.map((s) => `'${expression(variantOf(s).config, s)}'`);
  return `anneal plot ${specs.join(" \\\n  ")} -o schedule.png`;
}
