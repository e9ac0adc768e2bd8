// The library's program with numbers: its values, phases, cycles, and the area under it.
const EXACT = 10000; // steps that an area is summed over one by one

function planOf(s) {
  const { names, phases } = variantOf(s);
  const results = PROGRAMS[s.name][keyOf(s)](...names.map((name) => s.values[name]));
  const [value, cycle, steps] = results.slice(0, 3).map((r) => (typeof r === "function" ? r : () => r));
  const starts = [].concat(results[3]);
  const length = steps(0) < 0 ? null : steps(0);
  const view = has(VIEWS, s.name) ? Math.round(VIEWS[s.name](s.values)) : 1000;
  return {
    value,
    cycle,
    length,
    shown: Math.min(Math.max(length ?? view, 1), STEPS_MOST),
    phases: phases.map((name, i) => ({ name, start: starts[i] })),
  };
}

// Steps at which to ask for values: evenly spread, and both sides of every phase and restart.
function stepsOf(plan, shown, count) {
  const gaps = Math.min(shown, count), steps = new Set();
  for (let k = 0; k <= gaps; k++) steps.add(Math.round((k / gaps) * shown));
  for (const { start } of bandsOf(plan, shown)) {
    for (const t of [start - 1, start]) if (t >= 0 && t <= shown) steps.add(t);
  }
  return [...steps].sort((a, b) => a - b);
}

// Where what begins: the phases of a composition, else its cycles, as far as they are shown.
function bandsOf(plan, shown) {
  if (plan.phases.length) {
    return plan.phases.filter(({ start }, i) => start < shown && start !== plan.phases[i + 1]?.start);
  }
  const bands = [{ name: "cycle 1", start: 0 }];
  const find = (from, to) => {
    // Cycles only count up, so halving finds every restart between two steps of different cycles.
    if (bands.length > 200 || plan.cycle(from) === plan.cycle(to)) return;
    if (to - from === 1) bands.push({ name: `cycle ${plan.cycle(to) + 1}`, start: to });
    else for (const part of [[from, (from + to) >>> 1], [(from + to) >>> 1, to]]) find(...part);
  };
  find(0, Math.max(shown - 1, 0));
  return bands.length > 1 ? bands : [];
}

function phaseAt(bands, step) {
  const begun = bands.filter(({ start }) => start <= step);
  return begun.length ? begun[begun.length - 1].name : "";
}

// The sum of the values at steps 0 to shown - 1.
function areaOf(plan, shown) {
  const count = Math.min(shown, EXACT);
  let sum = 0;
  for (let k = 0; k < count; k++) sum += plan.value(Math.floor(((k + 0.5) / count) * shown));
  return { sum: (sum / count) * shown, exact: count === shown };
}

// The step of the largest value: the largest of some, and of those around it.
function peakOf(plan, steps) {
  const larger = (best, t) => (plan.value(t) > plan.value(best) ? t : best);
  const place = steps.indexOf(steps.reduce(larger)), from = steps[Math.max(place - 1, 0)];
  const gap = Math.min((steps[place + 1] ?? steps[place]) - from, EXACT / 4);
  const first = MAP(gap + 1, (k) => from + k).reduce(larger);
  return plan.value(first) >= plan.value(steps[place]) ? first : steps[place];
}

function traceOf(s, shown, count) {
  const plan = planOf(s), asked = stepsOf(plan, shown, count), peakStep = peakOf(plan, asked);
  const steps = [...new Set([...asked, peakStep])].sort((a, b) => a - b);
  const values = steps.map((t) => plan.value(t));
  return { plan, steps, values, bands: bandsOf(plan, shown), peak: plan.value(peakStep), peakStep, area: areaOf(plan, shown) };
}
