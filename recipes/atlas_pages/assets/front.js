// The front page. Its state is the fragment of the address, so that a link shares it and "back" restores it:
// controls write the fragment, and show() reads it.
"use strict";

const YEARS = NETS.map(net => net.year);
const DEFAULTS = {
  q: "", idea: "", input: "", weights: "", from: `${Math.min(...YEARS)}`, to: `${Math.max(...YEARS)}`,
  y: Object.keys(PROTOCOLS).length ? "error" : "params", x: "mult_adds", top: "1",
  protocol: Object.keys(PROTOCOLS)[0] ?? "", off: "", sort: "", nets: "",
};
const $ = selector => document.querySelector(selector);
const element = (tag, textContent) => Object.assign(document.createElement(tag), { textContent });
const $$ = selector => [...document.querySelectorAll(selector)];
const ROWS = Object.fromEntries($$("#nets tbody tr").map(row => [row.dataset.net, row]));
const IDEAS = Object.fromEntries($$("[data-idea]").map(button => [button.dataset.idea, button.textContent]));

// State

// Values that controls can have. An address with another one, such as an old link, is read as the default.
const ALLOWED = Object.fromEntries($$("select[name]").map(control => [control.name, [...control.options].map(o => o.value)]));
ALLOWED.sort = ["", ...$$("#nets [data-key]").flatMap(th => [th.dataset.key, `-${th.dataset.key}`])];

function get(name) {
  const value = new URLSearchParams(location.hash.slice(1)).get(name);
  return value === null || ALLOWED[name]?.includes(value) === false ? DEFAULTS[name] : value;
}
const list = name => get(name).split(",").filter(Boolean);

function set(changes, replace = false) {
  const state = new URLSearchParams(location.hash.slice(1));
  for (const [name, value] of Object.entries(changes)) {
    if (value === DEFAULTS[name]) state.delete(name);
    else state.set(name, value);
  }
  history[replace ? "replaceState" : "pushState"](null, "", `#${state}`);
  show();
}

// A list with a member added, or taken away if it is there.
const toggled = (names, name) => (names.includes(name) ? names.filter(n => n !== name) : [...names, name]).join();

// Nets

const errorOf = net => {
  const found = PROTOCOLS[get("protocol")]?.errors[net.name];
  const value = found?.[get("top") === "1" ? 0 : 1];
  return value == null ? null : { value, source: found[2] };
};
const valueOf = (net, key) => key === "error" ? errorOf(net)?.value ?? null : net.values[key] ?? null;

function chosen() {
  const words = get("q").toLowerCase().split(/\s+/), off = list("off");
  return NETS.filter(net => {
    const text = [net.name, net.family.replaceAll("_", " "), net.paper, net.title, ...net.ideas.map(key => IDEAS[key])]
      .join(" ").toLowerCase();
    return words.every(word => text.includes(word)) && !off.includes(net.family)
      && (!get("idea") || net.ideas.includes(get("idea"))) && (!get("input") || net.input === get("input"))
      && (!get("weights") || net.weights) && net.year >= get("from") && net.year <= get("to");
  });
}

function show() {
  const nets = chosen(), names = list("nets").filter(name => Object.hasOwn(ROWS, name)), off = list("off");
  for (const control of $$("select[name], input[name]")) {
    if (control.type === "checkbox") control.checked = !!get(control.name);
    else if (control.value !== get(control.name)) control.value = get(control.name);
  }
  for (const button of $$("[data-family]")) button.ariaPressed = !off.includes(button.dataset.family);
  for (const button of $$("[data-idea]")) button.ariaPressed = get("idea") === button.dataset.idea;
  showTable(nets, names);
  showBeside(names);
  draw(nets);
}

// Table

function showTable(nets, names) {
  const [, down, key] = get("sort").match(/^(-?)(.*)$/), sign = down ? -1 : 1;
  const cell = net => key === "error" || key in MEASURES ? valueOf(net, key) : net[key];
  const order = key ? [...NETS].sort((a, b) => {
    const [m, n] = [cell(a), cell(b)];
    if (m === null || n === null) return (m === null) - (n === null); // what is unknown comes last
    return sign * (typeof m === "number" ? m - n : m.localeCompare(n, "en", { numeric: true }));
  }) : NETS;
  const shown = new Set(nets.map(net => net.name));
  $("#nets tbody").append(...order.map(net => {
    const row = ROWS[net.name], error = errorOf(net);
    row.hidden = !shown.has(net.name);
    row.querySelector("input").checked = names.includes(net.name);
    Object.assign(row.querySelector(".error"), { textContent: error?.value ?? "", title: error?.source ?? "" });
    return row;
  }));
  for (const th of $$("#nets [data-key]")) {
    th.ariaSort = th.dataset.key !== key ? "none" : down ? "descending" : "ascending";
  }
  $("#count").textContent = `${nets.length} of ${NETS.length} nets`;
  $("#nothing").hidden = nets.length > 0;
}

function showBeside(names) {
  const why = names.length < 2 ? "Choose another net." : names.length > 4 ? "Choose at most four nets." : "";
  const link = $("#compare");
  $("#beside").hidden = !names.length;
  $("#chosen").textContent = names.join(", ");
  $("#why").textContent = why;
  link.ariaDisabled = !!why;
  if (why) link.removeAttribute("href");
  else link.href = `side_by_side.html?nets=${names}`;
  link.role = "link"; // even without an address
}

// Chart

async function draw(nets) {
  const [x, y] = [get("x"), get("y")], narrow = $("#chart").clientWidth < 600;
  const dots = nets.map(net => ({
    ...net, ...FAMILIES[net.family], x: valueOf(net, x), y: valueOf(net, y),
    words: `${net.name}, ${title(x)} ${net.texts[x]}, ${title(y)} ${valueOf(net, y)}`,
  })).filter(dot => dot.x !== null && dot.y !== null);
  const used = [x, y].includes("error"), protocol = PROTOCOLS[get("protocol")];
  $("#caption").textContent = `${dots.length} of ${nets.length} nets` + (!used ? "." : ` have a published `
    + `top-${get("top")} error by this protocol: ${protocol.words}. Errors of other protocols cannot be compared with these.`);
  const sources = used ? [...new Set(dots.map(dot => errorOf(dot).source))] : [];
  $("#sources").hidden = !sources.length;
  $("#sources ul").replaceChildren(...sources.map(text => element("li", text)));
  $("#tip").hidden = true;
  const box = element("div", ""); // a new one, so that slow drawings do not meet later ones
  $("#chart").replaceChildren(box);
  if (!dots.length) return;
  await vegaEmbed(box, spec(dots, x, y, narrow), { renderer: "svg", actions: false, tooltip: false, defaultStyle: false });
  reach(box);
}

// The title of an axis.
const title = key => key === "error" ? `Top-${get("top")} error, %`
  : MEASURES[key].name + (MEASURES[key].unit && `, ${MEASURES[key].unit}`);

function spec(dots, x, y, narrow) {
  // Years are steps: few papers are older than 2012, and most of five years.
  const scale = (name, key, range) => key === "year"
    ? { name, range, type: "point", padding: 0.5, domain: { data: "nets", field: name, sort: true } }
    : {
      name, range, type: key === "error" ? "linear" : "log", domain: { data: "nets", field: name },
      zero: false, nice: key === "error", padding: key === "error" ? 0 : 16,
    };
  const labelled = { update: { opacity: { signal: "datum.label ? 1 : 0" } } };
  const axis = (name, key, orient, count) => ({
    scale: name, orient, title: title(key), tickCount: count, grid: name === "y", ticks: name === "x",
    domain: name === "x", labelOverlap: "greedy", encode: { grid: labelled, ticks: labelled },
    ...(key !== "year" && { format: "~s" }),
    labelColor: "var(--muted)", titleColor: "var(--ink)", domainColor: "var(--line)", tickColor: "var(--line)",
    gridColor: "var(--line)", labelFontSize: 12, titleFontSize: 13, titleFontWeight: 500, titlePadding: 10, labelPadding: 6,
    ...(name === "y" && { titleAngle: 0, titleAlign: "left", titleAnchor: "end", titleX: -40, titleY: -14 }),
  });
  const place = { x: { scale: "x", field: "x" }, y: { scale: "y", field: "y" } };
  return {
    width: $("#chart").clientWidth, height: narrow ? 380 : 520, autosize: { type: "fit", contains: "padding" },
    padding: { left: 0, top: 4, right: 4, bottom: 0 }, description: `${title(y)} against ${title(x)}`,
    config: { font: "system-ui, sans-serif", axis: { labelFont: "system-ui, sans-serif", titleFont: "system-ui, sans-serif" }, view: { stroke: null } },
    data: [
      { name: "nets", values: dots },
      { name: "ordered", source: "nets", transform: [{ type: "collect", sort: { field: ["x", "y"] } }] },
    ],
    scales: [scale("x", x, "width"), scale("y", y, "height")],
    axes: [axis("y", y, "left", 6), axis("x", x, "bottom", narrow ? 4 : 8)],
    marks: [
      ...(x === "year" || y === "year" ? [] : [{  // nets of one year are in no order
        type: "group", aria: false, from: { facet: { name: "family", data: "ordered", groupby: "family" } },
        marks: [{
          type: "line", name: "line", from: { data: "family" }, interactive: false, aria: false,
          encode: { update: { ...place, stroke: { field: "color" }, strokeWidth: { value: 1.2 }, strokeOpacity: { value: 0.45 } } },
        }],
      }]),
      {
        type: "symbol", name: "dots", from: { data: "ordered" },
        encode: { update: {
          ...place, shape: { field: "shape" }, fill: { field: "color" }, size: { value: narrow ? 60 : 80 },
          stroke: { value: "var(--paper)" }, strokeWidth: { value: 1 }, cursor: { value: "pointer" },
          description: { field: "words" },
        } },
      },
      {
        type: "text", from: { data: "dots" }, interactive: false, aria: false,
        encode: { update: { text: { field: "datum.name" }, fill: { value: "var(--muted)" }, fontSize: { value: narrow ? 10.5 : 11.5 }, font: { value: "system-ui, sans-serif" } } },
        transform: [{ type: "label", size: { signal: "[width + 10, height]" }, offset: [2, 5], anchor: ["right", "left", "top", "bottom", "top-right", "top-left", "bottom-right", "bottom-left"] }],
      },
    ],
  };
}

// Dots are links: the arrow keys lead from one to the next, in the order of x.
function reach(box) {
  const dots = [...box.querySelectorAll(".mark-symbol.dots path")];
  dots.forEach((dot, i) => {
    const net = dot.__data__.datum;
    dot.setAttribute("role", "link");
    dot.setAttribute("tabindex", i ? -1 : 0);
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    dot.onclick = () => { location.href = `nets/${net.name}.html`; };
    dot.onkeydown = event => {
      const next = dots[i + move[event.key]];
      if (event.key === "Enter") dot.onclick();
      if (event.key in move) event.preventDefault();
      if (next) {
        dot.setAttribute("tabindex", -1);
        next.setAttribute("tabindex", 0);
        next.focus();
      }
    };
    dot.onpointerenter = dot.onfocus = () => tell(net, dot);
    dot.onpointerleave = dot.onblur = () => { $("#tip").hidden = true; };
  });
}

function tell(net, dot) {
  const tip = $("#tip"), error = errorOf(net), [box, at] = [$("#chart"), dot].map(e => e.getBoundingClientRect());
  const rows = Object.entries(MEASURES).map(([key, measure]) => [measure.name, net.texts[key]]);
  if (error) rows.push([`Top-${get("top")} error`, `${error.value} %`]);
  const figures = element("dl", "");
  figures.append(...rows.flatMap(([name, text]) => [element("dt", name), element("dd", text)]));
  tip.replaceChildren(element("strong", net.name), figures, element("p", error ? `Source: ${error.source}` : ""));
  tip.hidden = false;
  const x = at.x + at.width / 2 - box.x, y = at.y - box.y;
  tip.style.left = `${Math.max(0, Math.min(x + 14, box.width - tip.offsetWidth))}px`;
  tip.style.top = `${y > tip.offsetHeight + 8 ? y - tip.offsetHeight - 8 : y + 20}px`;
}

// Controls

for (const control of $$("select[name], input[name]")) {
  control.addEventListener("input", () => {
    const value = control.type === "checkbox" ? (control.checked ? control.value : "") : control.value;
    set({ [control.name]: value }, control.type === "search"); // letters do not fill the history
  });
}
for (const button of $$("[data-family]")) button.onclick = () => set({ off: toggled(list("off"), button.dataset.family) });
for (const button of $$("[data-all]")) {
  button.onclick = () => set({ off: button.dataset.all ? Object.keys(FAMILIES).join() : "" });
}
for (const button of $$("[data-idea]")) {
  button.onclick = () => {
    set({ idea: get("idea") === button.dataset.idea ? "" : button.dataset.idea });
    if (get("idea")) $("#table-title").scrollIntoView();
  };
}
for (const th of $$("#nets [data-key]")) {
  th.firstChild.onclick = () => set({ sort: get("sort") === th.dataset.key ? `-${th.dataset.key}` : th.dataset.key });
}
for (const [name, row] of Object.entries(ROWS)) {
  row.querySelector("input").onchange = () => set({ nets: toggled(list("nets"), name) });
}
$("#reset").onclick = () => set({ q: "", idea: "", input: "", weights: "", from: DEFAULTS.from, to: DEFAULTS.to, off: "" });
$("#clear").onclick = () => set({ nets: "" });
$("#choice").onsubmit = event => event.preventDefault();
document.addEventListener("keydown", event => {
  if (event.key === "/" && !event.target.matches("input, select")) {
    event.preventDefault();
    $("[name=q]").focus();
  }
});
addEventListener("popstate", show);
addEventListener("hashchange", show);
let width = innerWidth;
addEventListener("resize", () => { if (width !== (width = innerWidth)) show(); });
show();
