/* The page that compares nets. ATLAS, from stages.js, has the data; the address has the choice. */
"use strict";

const MOST = 4;
const names = Object.keys(ATLAS.nets);
const [form, notes, compared] = ["choice", "notes", "compared"].map((id) => document.getElementById(id));
const suggestions = document.getElementById("suggestions");
let scale = "share"; // what the bars of the stages show

/* Makes an element: its tag, its attributes, and texts or elements inside. */
function make(tag, attributes, ...inside) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in element && typeof value !== "string") element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...inside.filter((part) => part !== null));
  return element;
}

/* The number of letters to change, add or remove to make one text of another. */
function distance(a, b) {
  let row = [...b, ""].map((_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] !== b[j - 1])));
    }
    row = next;
  }
  return row[b.length];
}

/* The name of the net that is nearest to a text. */
function nearest(text) {
  const far = (name) => distance(text.toLowerCase(), name.toLowerCase());
  return names.reduce((best, name) => (far(name) < far(best) ? name : best));
}

/* Reads the address: the nets to show, and sentences about what it asks for that cannot be shown. */
function read() {
  const asked = (new URLSearchParams(location.search).get("nets") || "").split(",");
  const wanted = [...new Set(asked.map((name) => name.trim()).filter(Boolean))];
  const known = wanted.filter((name) => names.includes(name));
  const said = wanted
    .filter((name) => !names.includes(name))
    .map((name) => `${name} is not a net of this atlas; the nearest name is ${nearest(name)}.`);
  if (known.length > MOST) {
    said.push(`At most four nets are compared. Left out: ${known.slice(MOST).join(", ")}.`);
  }
  if (known.length === 1) said.push("Two to four nets can be compared: add another one.");
  if (!known.length) {
    const first = suggestions && suggestions.querySelector("a");
    const start = first ? first.textContent.split(", ") : names.slice(0, 2);
    known.push(...start);
    if (suggestions) suggestions.open = true;
    said.push(`${start.join(" and ")} are shown to begin with. Choose other nets, or one of the suggestions.`);
  }
  return [known.slice(0, MOST), said];
}

/* Shows other nets, and keeps them in the address. */
function choose(chosen) {
  const query = `?nets=${chosen.map(encodeURIComponent).join(",")}`;
  history.replaceState(null, "", location.pathname + query);
  notes.replaceChildren();
  show(chosen);
}

/* The fields in which nets are chosen: one for each net, and one that adds a net. */
function showForm(chosen) {
  const families = new Map();
  for (const name of names) {
    const { family } = ATLAS.nets[name];
    families.set(family, [...(families.get(family) || []), name]);
  }
  const fields = [...chosen, null].slice(0, MOST).map((net, i) => {
    const select = make("select", { "aria-label": net ? `Net ${i + 1}` : "Add a net" });
    if (!net) select.append(make("option", { value: "" }, "Add a net"));
    for (const [family, members] of families) {
      const free = members.filter((name) => name === net || !chosen.includes(name));
      const options = free.map((name) => make("option", { value: name, selected: name === net }, name));
      if (options.length) select.append(make("optgroup", { label: family.replaceAll("_", " ") }, ...options));
    }
    select.addEventListener("change", () => {
      choose(net ? chosen.map((name) => (name === net ? select.value : name)) : [...chosen, select.value]);
      form.querySelectorAll("select")[i].focus();
    });
    const remove = make("button", { type: "button", "aria-label": `Remove ${net}`, title: `Remove ${net}` }, "×");
    remove.addEventListener("click", () => {
      choose(chosen.filter((name) => name !== net));
      form.querySelector("select").focus();
    });
    return make("span", { class: net ? "chosen" : "add" }, select, net && chosen.length > 2 ? remove : null);
  });
  form.replaceChildren(...fields);
}

/* A table in a box that scrolls where the page is too narrow for it. */
function table(label, chosen, ...bodies) {
  const heads = chosen.map((net) =>
    make("th", { scope: "col" }, make("a", { href: `nets/${encodeURIComponent(net)}.html` }, net))
  );
  const head = make("thead", {}, make("tr", {}, make("td", { class: "row" }), ...heads));
  const box = { class: "scroll", role: "region", "aria-label": label, tabindex: "0" };
  return make("div", box, make("table", { class: "nets" + chosen.length }, head, ...bodies));
}

/* The least of some numbers, some of which may be null; null where there is nothing to choose. */
function leastOf(numbers) {
  const known = numbers.filter((number) => number !== null);
  return new Set(known).size > 1 ? Math.min(...known) : null;
}

/* A value, marked in words too where it is the best. */
function valueOf(text, best) {
  return best
    ? make("span", { class: "value best" }, text, " ", make("span", { class: "tag" }, "least"))
    : make("span", { class: "value" }, text);
}

/* A row of the key figures: its title, a note on it, and the contents of its cells. */
function rowOf(head, note, cells) {
  const below = note ? make("span", { class: "below" }, note) : null;
  const title = make("th", { scope: "row", class: "row" }, head, below);
  return make("tr", {}, title, ...cells.map((cell) => make("td", {}, ...cell)));
}

/* A row of costs, pairs of a number or null and its text: the least is marked, bars compare them. */
function costRow(head, note, costs) {
  const numbers = costs.map(([number]) => number);
  const [least, most] = [leastOf(numbers), Math.max(...numbers, 1)];
  const cells = costs.map(([number, text]) => [
    valueOf(text, number !== null && number === least),
    bars([["all", (number || 0) / most]]),
  ]);
  return rowOf(head, note, cells);
}

/* Slim bars: pairs of a kind and a length, 0 to 1. */
function bars(rows) {
  const made = rows.map(([kind, length]) => {
    const bar = make("span", { class: `bar-of ${kind}` });
    bar.style.width = `${(100 * length).toFixed(2)}%`;
    return bar;
  });
  return make("span", { class: "bars", "aria-hidden": "true" }, ...made);
}

/* The protocols that all of some nets with published errors share, without a wider one where a narrower is. */
function shared(chosen) {
  const sets = chosen.map((net) => new Set(ATLAS.errors[net].flatMap(([of]) => of)));
  const all = [...ATLAS.protocols.keys()].filter((i) => sets.every((set) => set.has(i)));
  const covered = new Set(all.map((i) => ATLAS.protocols[i][2]));
  return all.filter((i) => !covered.has(ATLAS.protocols[i][0]));
}

/* For each net its error by a protocol, of the source that has most of the nets. */
function errorsBy(protocol, chosen) {
  const fits = chosen.map((net) => ATLAS.errors[net].filter(([of]) => of.includes(protocol)));
  const counts = new Map();
  for (const found of fits) {
    for (const source of new Set(found.map((error) => error[3]))) counts.set(source, (counts.get(source) || 0) + 1);
  }
  return fits.map((found) =>
    found.reduce((best, error) => (counts.get(error[3]) > counts.get(best[3]) ? error : best))
  );
}

/* An error in percent as text. */
function percent(error) {
  return `${Number(error.toFixed(2)) === error ? error.toFixed(2) : error} %`;
}

/* A row of errors by a protocol: an error or undefined for each net. */
function errorRow(head, note, errors, mark, below) {
  const least = [1, 2].map((which) => leastOf(errors.map((error) => (error && mark ? error[which] : null))));
  const cells = errors.map((error) => {
    if (!error) return [make("span", { class: "muted" }, "none published")];
    const values = [1, 2].filter((which) => error[which] !== null).map((which) =>
      make("div", {}, valueOf(`${percent(error[which])} top-${which === 1 ? 1 : 5}`, error[which] === least[which - 1]))
    );
    return [...values, make("span", { class: "below" }, below(error))];
  });
  return rowOf(head, note, cells);
}

/* The rows of published errors, and sentences about them. */
function errorRows(chosen) {
  const errorsOf = (net) => ATLAS.errors[net];
  const having = chosen.filter((net) => errorsOf(net).length);
  const without = chosen.filter((net) => !errorsOf(net).length);
  const found = having.length > 1 ? shared(having) : [];
  const rows = found.map((i) => {
    const errors = errorsBy(i, having);
    const sourced = (error) => [ATLAS.sources[error[3]], error[4]].filter(Boolean).join("; ");
    return errorRow("Error", ATLAS.protocols[i][0], chosen.map((net) => errors[having.indexOf(net)]), true, sourced);
  });
  const said = found.map((i) => `${ATLAS.protocols[i][0]}: ${ATLAS.protocols[i][1]}.`);
  if (having.length && !found.length) {
    const measured = (error) => `${ATLAS.protocols[error[0][0]][0]}, ${ATLAS.sources[error[3]]}`;
    const note = having.length > 1 ? "protocol and source below each" : null;
    rows.push(errorRow("Error", note, chosen.map((net) => errorsOf(net)[0]), false, measured));
    if (having.length > 1) {
      said.push("The published errors of these nets share no protocol, so they cannot be compared.");
    }
  }
  if (without.length) said.push(`No error was published for ${without.join(", ")}.`);
  return [rows, said];
}

/* The key figures. */
function keyFigures(chosen) {
  const nets = chosen.map((net) => ATLAS.nets[net]);
  const plain = (head, note, of) => rowOf(head, note, nets.map((net) => [of(net)]));
  const titles = [
    ["Parameters", null],
    ["Multiply-adds", "for one image"],
    ["Memory in inference", "most activations at one time, one image"],
    ["Memory kept in training", "activations for the gradients, one image"],
  ];
  const costs = titles.map(([head, note], i) => costRow(head, note, nets.map((net) => net.figures[i])));
  const [errors, said] = errorRows(chosen);
  const body = make("tbody", {},
    plain("Year", null, (net) => String(net.year)),
    plain("Input", null, (net) => net.input),
    ...costs,
    plain("Receptive field", "of the last maps, in pixels", (net) => net.field),
    ...errors);
  const below = said.map((text) => make("p", { class: "small muted" }, text));
  return [make("h2", {}, "Key figures"), table("Key figures", chosen, body), ...below];
}

/* The stages, in rows of equal resolution. */
function aligned(chosen) {
  const all = chosen.flatMap((net) => ATLAS.nets[net].stages.map((stage) => stage[0]));
  const strides = [...new Set(all.filter((row) => typeof row === "number"))].sort((a, b) => a - b);
  const rows = [...strides, ...["pooled", "classifier"].filter((row) => all.includes(row))];
  const totals = chosen.map((net) =>
    [4, 5].map((which) => ATLAS.nets[net].stages.reduce((sum, stage) => sum + stage[which], 0))
  );
  const part = (net, stage, which) => stage[4 + which] / (scale === "share" ? totals[net][which] || 1 : 1);
  const most = [0, 1].map((which) =>
    Math.max(...chosen.flatMap((name, i) => ATLAS.nets[name].stages.map((stage) => part(i, stage, which))), 1e-9)
  );
  const longest = scale === "share" ? most.map(() => Math.max(...most)) : most;
  const made = rows.map((row) => {
    const cells = chosen.map((net, i) => {
      const here = ATLAS.nets[net].stages.filter((stage) => stage[0] === row);
      return make("td", {}, ...here.map((stage) => stageOf(stage, (which) => part(i, stage, which), longest)));
    });
    const head = typeof row === "number"
      ? [row === 1 ? "1" : `1/${row}`, make("span", { class: "below" }, row === 1 ? "full width" : "of the width")]
      : [row === "pooled" ? "pooled" : "classi\u00adfier"];
    return make("tr", {}, make("th", { scope: "row", class: "row" }, ...head), ...cells);
  });
  return [make("h2", {}, "Stage by stage"), legend(chosen), table("Stages", chosen, make("tbody", {}, ...made))];
}

/* One stage: its name, size of output, layers, and bars with their values. */
function stageOf([, name, size, text, ...costs], part, longest) {
  const shown = [0, 1].map((which) =>
    scale === "share" ? share(part(which)) : costs[2 + which]
  );
  const rows = ["params", "adds"].map((kind, which) =>
    make("span", { class: "meter", "data-kind": kind }, bars([[kind, part(which) / longest[which]]]),
      make("span", { class: "hidden" }, which ? "multiply-adds " : "parameters "), shown[which])
  );
  const none = !costs[0] && !costs[1];
  return make("div", { class: "stage" },
    make("div", { class: "what" }, make("b", {}, name), " ", make("span", { class: "muted" }, size)),
    make("div", { class: "layers" }, text), ...(none ? [] : rows));
}

/* A share as text. */
function share(part) {
  return part > 0 && part < 0.0005 ? "< 0.1 %" : `${(100 * part).toFixed(1)} %`;
}

/* What the bars show, and the choice between shares and counts. */
function legend(chosen) {
  const radio = (value, text) => {
    const input = make("input", { type: "radio", name: "scale", value, checked: value === scale });
    input.addEventListener("change", () => {
      scale = value;
      show(chosen);
      document.querySelector(`input[value=${value}]`).focus();
    });
    return make("label", {}, input, ` ${text}`);
  };
  const key = (kind, text) => make("span", { class: "key" }, make("span", { class: `bar-of ${kind}` }), ` ${text}`);
  return make("div", { class: "legend" },
    key("params", "parameters"), key("adds", "multiply-adds"),
    make("fieldset", {}, make("legend", {}, "Bars show"),
      radio("share", "the share of each net"), radio("count", "counts")));
}

/* Shows nets. */
function show(chosen) {
  document.title = `${chosen.join(", ")} side by side · kerasnets atlas`;
  showForm(chosen);
  compared.replaceChildren(...keyFigures(chosen), ...aligned(chosen));
}

const [chosen, said] = read();
notes.append(...said.map((text) => make("p", { class: "note" }, text)));
show(chosen);
