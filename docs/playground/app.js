// The page: panels of parameters, the picture, the texts to copy, and the address.
const $ = (id) => document.getElementById(id);
const state = readAddress(location.hash);
let place = null, traces = [], shown = 1, cursor = null, due = 0;

// --- Panels ---------------------------------------------------------------------------------

// A slider has 1000 places: even, or by ratio where a range has many sizes.
function dial(parameter, most) {
  const { least, kind } = parameter, low = least > 0 ? least : kind === "value" ? 1e-7 : 1;
  const ratio = kind === "value" || kind === "duration" || most / low > 200;
  if (!ratio || most <= 4 * low) {
    const span = most - least || 1;
    return { to: (x) => ((x - least) / span) * 1000, from: (p) => least + (p / 1000) * span };
  }
  const sizes = Math.log(most / low); // the first place is the least number itself, such as 0
  return {
    to: (x) => (x < low ? 0 : 1 + (999 * Math.log(x / low)) / sizes),
    from: (p) => (p < 1 ? least : low * Math.exp(((p - 1) / 999) * sizes)),
  };
}

const rounded = (x, parameter) => (isWhole(parameter) ? Math.round(Number(x.toPrecision(2))) : Number(x.toPrecision(2)));

function panelMarkup(side) {
  const s = state[side], entry = entryOf(s), names = variantOf(s).names;
  const options = Object.entries(GROUPS).map(([label, list]) => {
    const items = list.map((n) => `<option${n === s.name ? " selected" : ""}>${n}</option>`);
    return `<optgroup label="${label}">${items.join("")}</optgroup>`;
  });
  const choices = Object.entries(entry.choices).map(([c, labels]) => {
    const items = labels.map((l) => `<option${l === s.choices[c] ? " selected" : ""}>${escaped(l)}</option>`);
    return `<div class="field"><label for="${side}-${c}">${c.replace("_", " ")}</label>
      <select id="${side}-${c}" data-choice="${c}">${items.join("")}</select></div>`;
  });
  const fields = names.map((n) => {
    const { kind } = entry.parameters[n], unit = kind === "duration" ? ' <span class="unit">steps</span>' : "";
    return `<div class="field"><label for="${side}-${n}">${n}${unit}</label>
      <input class="typed" id="${side}-${n}" data-number="${n}" type="number" step="any" inputmode="decimal">
      <input class="slid" data-slider="${n}" type="range" min="0" max="1000" step="any" aria-label="${n}"></div>`;
  });
  return `<div class="field name"><label for="${side}-name"><span class="key ${side}"></span>${side === "a" ? "Schedule" : "Compared with"}</label>
    <select id="${side}-name" data-name>${options.join("")}</select></div>
    <p class="about">${escaped(entry.about)}</p>${choices.join("")}${fields.join("")}
    <p class="said" role="status"></p>`;
}

function showPanel(side) {
  $(`panel-${side}`).innerHTML = state[side] ? panelMarkup(side) : "";
  $(`panel-${side}`).hidden = !state[side];
  if (state[side]) showNumbers(side);
}

function showNumbers(side, typing = null) {
  const s = state[side], entry = entryOf(s), panel = $(`panel-${side}`);
  for (const n of variantOf(s).names) {
    const parameter = entry.parameters[n], limit = limitOf(s, n);
    const most = Math.max(limit.most, s.values[n], parameter.least);
    const typed = panel.querySelector(`[data-number="${n}"]`), slid = panel.querySelector(`[data-slider="${n}"]`);
    if (typed !== typing) typed.value = s.values[n];
    Object.assign(typed, { min: parameter.least, max: most });
    if (slid !== typing) slid.value = dial(parameter, parameter.most).to(s.values[n]);
    slid.setAttribute("aria-valuetext", number(s.values[n]));
  }
}

function listen(side) {
  const panel = $(`panel-${side}`);
  const say = (text) => (panel.querySelector(".said").textContent = text);
  panel.addEventListener("input", ({ target }) => {
    const s = state[side], { number: typed, slider: slid } = target.dataset;
    if (slid) {
      const parameter = entryOf(s).parameters[slid];
      say(assign(s, slid, rounded(dial(parameter, parameter.most).from(Number(target.value)), parameter)));
    } else if (typed && target.value !== "") say(assign(s, typed, Number(target.value)));
    else return;
    showNumbers(side, target);
    soon();
  });
  panel.addEventListener("change", ({ target }) => {
    const s = state[side], { choice, name } = target.dataset;
    if (name !== undefined) state[side] = fresh(target.value, sharedNumbers(s, target.value));
    else if (choice) s.choices[choice] = target.value;
    if (choice) settle(s);
    if (name === undefined && !choice) return showNumbers(side);
    const { id } = target;
    showPanel(side);
    $(id).focus();
    refresh();
  });
  panel.addEventListener("keydown", (event) => {
    const { target, key } = event, typed = target.dataset.number, s = state[side];
    if (!typed || (key !== "ArrowUp" && key !== "ArrowDown")) return;
    event.preventDefault(); // one unit of the second digit, whatever the size of the number
    const size = Math.abs(s.values[typed]) || (isWhole(entryOf(s).parameters[typed]) ? 1 : 1e-4);
    const unit = 10 ** (Math.floor(Math.log10(size) + 1e-9) - 1);
    const step = isWhole(entryOf(s).parameters[typed]) ? Math.max(unit, 1) : unit;
    say(assign(s, typed, Number((s.values[typed] + (key === "ArrowUp" ? step : -step)).toPrecision(12))));
    showNumbers(side);
    soon();
  });
}

// Numbers that another schedule has, too, stay when it is chosen, if they were changed.
function sharedNumbers(s, name) {
  const first = fresh(s.name).values;
  return Object.fromEntries(Object.entries(s.values).filter(([n, x]) => x !== first[n] && has(ENTRIES[name].parameters, n)));
}

// --- The picture and the texts --------------------------------------------------------------

// A slider is faster than a screen: one picture for each of its frames.
function soon() {
  cancelAnimationFrame(due);
  due = requestAnimationFrame(refresh);
}

function refresh() {
  const sides = [state.a, state.b].filter(Boolean);
  shown = state.steps ?? Math.max(...sides.map((s) => planOf(s).shown));
  const width = Math.max($("plot").getBoundingClientRect().width, 300);
  traces = sides.map((s) => traceOf(s, shown, Math.round(width * 1.5)));
  place = draw($("plot"), traces, shown, state.log);
  $("plot").setAttribute("aria-label", sides.map((s, i) => described(s, traces[i], shown)).join(" "));
  $("steps").placeholder = `${shown} (all)`;
  $("log").checked = state.log;
  showFigures(sides);
  showTexts(sides);
  showCursor();
  history.replaceState(null, "", addressOf(state));
}

function showFigures(sides) {
  const rows = sides.map((s, i) => {
    const { plan, area, peak, peakStep } = traces[i], sign = area.exact ? "" : "≈ ";
    const ratio = i ? ` <small>${number(area.sum / traces[0].area.sum || 0, 3)} × the first</small>` : "";
    return `<tr><th scope="row"><span class="key ${"ab"[i]}"></span>${s.name}</th>
      <td data-label="steps">${plan.length === null ? "no end" : grouped(plan.length)}</td>
      <td data-label="largest">${number(peak)} <small>at ${grouped(peakStep)}</small></td>
      <td data-label="area shown">${sign}${number(area.sum)}${ratio}</td><td data-label="mean">${number(area.sum / shown)}</td></tr>`;
  });
  $("figures").innerHTML = rows.join("");
}

function showCursor() {
  const step = Math.min(cursor ?? Math.round(shown / 2), shown);
  $("cursor").max = shown;
  $("cursor").value = step;
  const values = traces.map((trace, i) => {
    const phase = phaseAt(trace.bands, step);
    return `<span><span class="key ${"ab"[i]}"></span><b>${number(trace.plan.value(step), 6)}</b>${phase ? ` ${escaped(phase)}` : ""}</span>`;
  });
  $("readout").innerHTML = `<span>step <b>${grouped(step)}</b></span>${values.join("")}`;
  $("cursor").setAttribute("aria-valuetext", $("readout").textContent.replace(/\s+/g, " "));
  drawCursor($("plot"), place, traces, step);
}

function showTexts(sides) {
  $("python").textContent = pythonText(state);
  $("config").textContent = sides.map((s) => configText(s)).join("\n\n");
  $("command").textContent = commandText(state);
}

async function copy(button) {
  const text = $(button.dataset.copy)?.textContent ?? location.href;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.body.appendChild(Object.assign(document.createElement("textarea"), { value: text }));
    area.select(); // pages from files may have no clipboard
    document.execCommand("copy");
    area.remove();
  }
  const label = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = label), 1200);
}

// --- Beginning ------------------------------------------------------------------------------

function showAll() {
  for (const side of ["a", "b"]) showPanel(side);
  $("compare").textContent = state.b ? "Stop comparing" : "Compare with another";
  $("steps").value = state.steps ?? "";
  refresh();
}

function begin() {
  for (const side of ["a", "b"]) listen(side);
  $("presets").innerHTML = Object.keys(PRESETS).map((p) => `<button type="button">${p}</button>`).join("");
  $("presets").addEventListener("click", ({ target }) => {
    if (!has(PRESETS, target.textContent)) return;
    state.a = fresh(...PRESETS[target.textContent]);
    showAll();
  });
  $("compare").addEventListener("click", () => {
    state.b = state.b ? null : fresh(state.a.name === "warmup_stable_decay" ? "warmup_cosine" : "warmup_stable_decay");
    showAll();
  });
  $("steps").addEventListener("input", ({ target }) => {
    state.steps = Math.min(Math.max(Math.round(Number(target.value)) || 0, 0), STEPS_MOST) || null;
    refresh();
  });
  $("log").addEventListener("change", ({ target }) => ((state.log = target.checked), refresh()));
  $("cursor").addEventListener("input", ({ target }) => ((cursor = Number(target.value)), showCursor()));
  $("plot").addEventListener("pointermove", (event) => {
    const px = event.clientX - $("plot").getBoundingClientRect().left;
    cursor = Math.min(Math.max(place.step(px), 0), shown);
    showCursor();
  });
  document.addEventListener("click", ({ target }) => target.dataset?.copy && copy(target));
  window.addEventListener("hashchange", () => (Object.assign(state, readAddress(location.hash)), showAll()));
  let width = 0; // a picture changes its own height, which must not draw it again
  new ResizeObserver(([{ contentRect }]) => contentRect.width !== width && ((width = contentRect.width), refresh())).observe($("plot"));
  showAll();
}

if (typeof document !== "undefined" && $("plot")) begin();
