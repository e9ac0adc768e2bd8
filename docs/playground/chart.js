// The picture: curves of one or two schedules, the phases of the first, and a cursor.
const BOX = { left: 62, right: 14, top: 26, bottom: 40 };

// Round numbers that divide a range into about so many parts.
function ticks(low, high, count, whole = false) {
  const raw = (high - low) / count || 1;
  const unit = 10 ** Math.floor(Math.log10(raw));
  let step = unit * ([1, 2, 5, 10].find((m) => m * unit >= raw * 0.999) ?? 10);
  if (whole) step = Math.max(Math.round(step), 1);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high * (1 + 1e-9) + 1e-300; k++) {
    found.push(Number((k * step).toPrecision(12)));
  }
  return found;
}

// Steps along the axis, all in the unit that the last one needs.
const axisStep = (t, shown) =>
  t && shown >= 1e6 ? `${number(t / 1e6)}M` : t && shown > 1e4 ? `${number(t / 1e3)}k` : grouped(t);

function scaleOf(traces, log, height) {
  const values = traces.flatMap((t) => t.values), high = Math.max(...values);
  const positive = values.filter((x) => x > 0), least = positive.length ? Math.min(...positive) : 1;
  const bottom = height - BOX.bottom, room = bottom - BOX.top;
  if (log) {
    const top = Math.log10(high > 0 ? high : 1), base = Math.log10(Math.max(least, (high || 1) * 1e-6));
    const low = Math.min(Math.floor(base + 1e-9), Math.floor(top - 1e-9)), rise = top + 0.04 * (top - low);
    const marks = [];
    for (let k = low; k <= rise; k++) marks.push(10 ** k);
    if (marks.length < 3) marks.push(...[2, 5].flatMap((m) => marks.map((x) => m * x)).filter((x) => Math.log10(x) <= rise));
    const y = (x) => bottom - ((Math.log10(Math.max(x, 10 ** low)) - low) / (rise - low)) * room;
    return { y, marks: marks.map((x) => Number(x.toPrecision(3))), label: (x) => (x < 0.01 ? x.toExponential() : number(x)) };
  }
  const smallest = Math.min(...values);
  const low = smallest > 0.5 * high ? smallest - 0.15 * (high - smallest || high) : Math.min(smallest, 0);
  const rise = (high > low ? high : low + 1) + 0.06 * (high - low || 1);
  return { y: (x) => bottom - ((x - low) / (rise - low)) * room, marks: ticks(low, rise, 5), label: (x) => number(x, 3) };
}

function bandMarkup(bands, shown, x, height) {
  if (bands.length > 40) return ""; // stripes that nobody can tell apart
  return bands
    .map(({ name, start }, i) => {
      const from = x(start), wide = x(bands[i + 1]?.start ?? shown) - from;
      const room = wide > 6.6 * name.length + 8;
      const label = room ? `<text class="phase" x="${from + wide / 2}" y="${BOX.top - 9}">${escaped(name)}</text>` : "";
      const tall = height - BOX.top - BOX.bottom;
      return `<rect class="band${i % 2}" x="${from}" y="${BOX.top}" width="${wide}" height="${tall}"/>${label}`;
    })
    .join("");
}

function axisMarkup(x, scale, shown, width, height) {
  const bottom = height - BOX.bottom, across = scale.marks.map((v) => {
    const y = scale.y(v);
    return `<line class="grid" x1="${BOX.left}" x2="${width - BOX.right}" y1="${y}" y2="${y}"/>
      <text class="tick" text-anchor="end" x="${BOX.left - 8}" y="${y + 4}">${scale.label(v)}</text>`;
  });
  const along = ticks(0, shown, width < 480 ? 4 : 8, true).map((t) => {
    const anchor = x(t) > width - BOX.right - 18 ? "end" : "middle";
    return `<line class="axis" x1="${x(t)}" x2="${x(t)}" y1="${bottom}" y2="${bottom + 4}"/>
      <text class="tick" text-anchor="${anchor}" x="${x(t)}" y="${bottom + 18}">${axisStep(t, shown)}</text>`;
  });
  const label = `<text class="tick" text-anchor="middle" x="${(BOX.left + width - BOX.right) / 2}" y="${height - 5}">step</text>`;
  return `${across.join("")}<line class="axis" x1="${BOX.left}" x2="${width - BOX.right}" y1="${bottom}" y2="${bottom}"/>${along.join("")}${label}`;
}

function lineMarkup(trace, mark, x, y) {
  const points = trace.steps.map((t, k) => `${x(t).toFixed(2)},${y(trace.values[k]).toFixed(2)}`);
  const few = trace.steps.length <= 66;
  const dots = few ? points.map((p) => `<circle class="dot ${mark}" r="2.5" cx="${p.split(",")[0]}" cy="${p.split(",")[1]}"/>`) : [];
  return `<polyline class="curve ${mark}" points="${points.join(" ")}"/>${dots.join("")}`;
}

// Draws into an <svg>; what places a step and a value, for the cursor.
function draw(svg, traces, shown, log) {
  const { width } = svg.getBoundingClientRect(), height = width < 480 ? 260 : Math.min(420, Math.round(width * 0.5));
  const x = (t) => BOX.left + (t / shown) * (width - BOX.left - BOX.right);
  const scale = scaleOf(traces, log, height);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", height);
  const curves = traces.map((trace, i) => lineMarkup(trace, "ab"[i], x, scale.y)).reverse();
  svg.querySelector(".marks").innerHTML =
    bandMarkup(traces[0].bands, shown, x, height) + axisMarkup(x, scale, shown, width, height) + curves.join("");
  const step = (px) => Math.round(((px - BOX.left) / (width - BOX.left - BOX.right)) * shown);
  return { x, y: scale.y, step, height };
}

function drawCursor(svg, place, traces, step) {
  const line = `<line class="cursor" x1="${place.x(step)}" x2="${place.x(step)}" y1="${BOX.top}" y2="${place.height - BOX.bottom}"/>`;
  const dots = traces.map((trace, i) => {
    return `<circle class="point ${"ab"[i]}" r="5" cx="${place.x(step)}" cy="${place.y(trace.plan.value(step))}"/>`;
  });
  svg.querySelector(".cursors").innerHTML = line + dots.reverse().join("");
}

// The curve in words, for those who do not see it.
function described(s, trace, shown) {
  const at = (t) => `${number(trace.plan.value(t))} at step ${grouped(t)}`;
  const phases = trace.bands.length ? ` Phases: ${trace.bands.slice(0, 12).map((b) => `${b.name} from step ${grouped(b.start)}`).join(", ")}.` : "";
  return `${s.name}: ${at(0)}, ${at(Math.round(shown / 2))}, ${at(shown)}; largest ${number(trace.peak)} at step ${grouped(trace.peakStep)}.${phases}`;
}
