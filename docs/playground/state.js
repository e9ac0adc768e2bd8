// What is shown: schedules (a name, choices among texts, numbers), steps and scale; and the address.
const STEPS_MOST = 2 ** 31 - 1;
const entryOf = (s) => ENTRIES[s.name];
const keyOf = (s) => Object.keys(entryOf(s).choices).map((c) => s.choices[c]).join("|");
const variantOf = (s) => entryOf(s).variants[keyOf(s)];
const isWhole = (p) => p.kind === "duration" || p.kind === "count";
const has = (object, key) => Object.prototype.hasOwnProperty.call(object, key);

function fresh(name, values = {}, choices = {}) {
  const entry = ENTRIES[name], s = { name, values: {}, choices: {} };
  for (const [p, { default: first }] of Object.entries(entry.parameters)) s.values[p] = first;
  for (const [c, labels] of Object.entries(entry.choices)) s.choices[c] = labels[0];
  for (const [c, label] of Object.entries(choices)) {
    if (has(s.choices, c) && entry.choices[c].includes(label)) s.choices[c] = label;
  }
  for (const [p, x] of Object.entries(values)) {
    if (has(s.values, p) && Number.isFinite(x)) s.values[p] = within(entry.parameters[p], x);
  }
  settle(s);
  return s;
}

function within(parameter, x) {
  const { least, most } = parameter;
  return Math.min(Math.max(isWhole(parameter) ? Math.round(x) : x, least), most);
}

// The rules among the numbers that the chosen line has.
const rulesOf = (s) => {
  const named = new Set(variantOf(s).names);
  return entryOf(s).rules.filter((r) => [r.most, ...r.terms.map((t) => t[1])].every((n) => named.has(n)));
};
const sumOf = (s, rule) => rule.terms.reduce((sum, [times, n]) => sum + times * s.values[n], rule.room);

// The largest number that a parameter can have beside the others, and the rule that says so.
function limitOf(s, name) {
  let most = entryOf(s).parameters[name].most, text = "";
  for (const rule of rulesOf(s)) {
    const term = rule.terms.find((t) => t[1] === name);
    if (!term) continue;
    const left = s.values[rule.most] - sumOf(s, rule) + term[0] * s.values[name];
    const limit = isWhole(entryOf(s).parameters[name]) ? Math.floor(left / term[0]) : left / term[0];
    if (limit < most) [most, text] = [limit, rule.text];
  }
  return { most, text };
}

// Makes the terms of every rule give way to the number that bounds them, the last one first.
function settle(s) {
  for (let round = 0; round < 3; round++) {
    for (const rule of rulesOf(s)) {
      for (const [times, name] of [...rule.terms].reverse()) {
        const over = sumOf(s, rule) - s.values[rule.most];
        if (over > 0) s.values[name] = within(entryOf(s).parameters[name], s.values[name] - Math.ceil(over / times));
      }
      const over = sumOf(s, rule) - s.values[rule.most];
      if (over > 0) s.values[rule.most] += over;
    }
  }
}

// Sets a number as far as its range and the rules go; what kept it from more, as a sentence.
function assign(s, name, x) {
  const parameter = entryOf(s).parameters[name], { most, text } = limitOf(s, name);
  if (!Number.isFinite(x)) return `${name} must be a number.`;
  const kept = within({ ...parameter, most: Math.max(most, parameter.least) }, x);
  s.values[name] = kept;
  settle(s);
  if (x > kept && text) return `${name} must be at most ${number(kept)} here: ${text}.`;
  if (x > kept && x > parameter.most) return `${name} goes up to ${number(parameter.most)} on this page.`;
  if (x < kept && x < parameter.least) return `${name} must be at least ${number(parameter.least)}.`;
  return x !== kept && isWhole(parameter) ? `${name} is a whole number.` : "";
}

// The address: #a=name;key=value;…&b=…&steps=…&log — only what differs from the defaults.
function packed(s) {
  const first = fresh(s.name), parts = [s.name];
  for (const [c, label] of Object.entries(s.choices)) if (label !== first.choices[c]) parts.push(`${c}=${label}`);
  for (const [p, x] of Object.entries(s.values)) if (x !== first.values[p]) parts.push(`${p}=${x}`);
  return parts.map(encodeURIComponent).join(";");
}

function unpacked(text) {
  const [name, ...parts] = text.split(";").map(decodeURIComponent);
  if (!has(ENTRIES, name)) return null;
  const pairs = parts.map((part) => [part.split("=")[0], part.slice(part.indexOf("=") + 1)]);
  return fresh(name, Object.fromEntries(pairs.map(([k, v]) => [k, Number(v)])), Object.fromEntries(pairs));
}

function addressOf(state) {
  const parts = [`a=${packed(state.a)}`];
  if (state.b) parts.push(`b=${packed(state.b)}`);
  if (state.steps) parts.push(`steps=${state.steps}`);
  if (state.log) parts.push("log");
  return `#${parts.join("&")}`;
}

function readAddress(hash) {
  const state = { a: null, b: null, steps: null, log: false };
  try {
    for (const part of hash.replace(/^#/, "").split("&")) {
      const [key, text] = [part.split("=")[0], part.slice(part.indexOf("=") + 1)];
      if (key === "a" || key === "b") state[key] = unpacked(text);
      if (key === "steps") state.steps = Math.min(Math.max(Math.round(Number(text)) || 0, 0), STEPS_MOST) || null;
      if (key === "log") state.log = true;
    }
  } catch {
    // An address that is no address of this page: its readable part counts.
  }
  state.a ??= fresh("warmup_cosine");
  return state;
}
