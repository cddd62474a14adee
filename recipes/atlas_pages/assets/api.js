// The search of the API: every word must be in the name or in the first sentence; the best names come first.
"use strict";

(() => {
  const box = document.querySelector(".search");
  const [input, status, list] = ["input", "p", "ul"].map((tag) => box.querySelector(tag));
  const most = 40;

  function load() {
    const script = document.createElement("script");
    script.src = `${box.dataset.root}api/search.js`;
    script.onload = show;
    document.head.append(script);
  }

  function rank([name], word) {
    const last = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
    return last === word ? 0 : last.startsWith(word) ? 1 : last.includes(word) ? 2 : name.toLowerCase().includes(word) ? 3 : 4;
  }

  function show() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    list.replaceChildren();
    status.textContent = "";
    if (!words.length || !window.apiEntries) return;
    const found = window.apiEntries.filter(([name, , , about]) => {
      const text = `${name} ${about}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    const score = new Map(found.map((entry) => [entry, words.reduce((sum, word) => sum + rank(entry, word), 0)]));
    found.sort((a, b) => score.get(a) - score.get(b) || a[0].length - b[0].length);
    status.textContent = found.length > most ? `the first ${most} of ${found.length}` : `${found.length} found`;
    for (const [name, kind, page, about] of found.slice(0, most)) {
      const item = document.createElement("li"), link = document.createElement("a"), text = document.createElement("span");
      link.href = box.dataset.root + page;
      link.textContent = name + (kind === "function" ? "()" : "");
      text.textContent = about;
      item.append(link, text);
      list.append(item);
    }
  }

  input.addEventListener("focus", load, { once: true });
  input.addEventListener("input", show);
})();
