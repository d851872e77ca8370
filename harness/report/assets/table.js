// The table of results: columns in, rows built as you scroll. No text ever becomes markup.
"use strict";

const WORDS = JSON.parse(document.getElementById("words").textContent);
const HEAD = JSON.parse(document.getElementById("head-data").textContent);
const VERDICTS = ["none", "pass", "inconc", "fail", "error"];
const SYMBOLS = { none: "○", pass: "✓", inconc: "△", fail: "✗", error: "◆", not_run: "–" };
const STATES = ["open", "finished", "not_run"];
const ROW_PX = 28;
const word = (key) => WORDS[key] ?? key;

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  for (const child of children) made.append(child instanceof Node ? child : String(child));
  return made;
}

async function unpack(id) {
  const holder = document.getElementById(id);
  return holder === null ? null : unpacked(holder.textContent);
}

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

function shownMs(ms) {
  if (ms === null || ms === undefined) return "–";
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

class Table {
  constructor(data, onOpen) {
    this.data = data;
    this.onOpen = onOpen;
    this.view = document.getElementById("rows");
    this.spacer = document.getElementById("spacer");
    this.verdict = null;
    this.picked = 0;
    this.haystacks = new Map();
    this.heads();
    this.filters();
    this.apply();
    this.view.addEventListener("scroll", () => this.draw(), { passive: true });
    addEventListener("resize", () => this.draw());
    addEventListener("beforeprint", () => this.draw(true));
    addEventListener("afterprint", () => this.draw());
    document.getElementById("search").addEventListener("input", () => this.apply());
  }

  kind(row) {
    const c = this.data.columns;
    return STATES[c.state[row]] === "not_run" ? "not_run" : VERDICTS[c.verdict[row]];
  }

  heads() {
    const names = ["verdict", "case", "title", "router", "time", "owner", "cause"];
    document.querySelector(".heads").append(
      ...names.map((n) => element("span", { class: n === "time" ? "num" : null }, word(n))));
  }

  filters() {
    const group = document.getElementById("filters");
    const kinds = [null, "fail", "error", "inconc", "pass", "not_run"];
    for (const kind of kinds.filter((k) => k === null || HEAD.counts[k])) {
      const label = kind === null ? word("all") : `${SYMBOLS[kind]} ${word(kind)}`;
      const button = element("button", { type: "button", "aria-pressed": kind === null }, label);
      button.addEventListener("click", () => {
        this.verdict = kind;
        for (const other of group.children) other.setAttribute("aria-pressed", other === button);
        this.apply();
      });
      group.append(button);
    }
  }

  text(row) {
    if (!this.haystacks.has(row)) {
      const c = this.data.columns;
      const unit = HEAD.units[c.unit[row]];
      const parts = [...this.data.cases[c.case[row]], unit.model, unit.imei, unit.firmware,
        unit.slot, this.data.texts[c.owner[row]], this.data.texts[c.cause[row]], this.kind(row)];
      this.haystacks.set(row, parts.join("\n").toLowerCase());
    }
    return this.haystacks.get(row);
  }

  apply() {
    const wanted = document.getElementById("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [];
    for (let row = 0; row < this.data.columns.case.length; row += 1) {
      if (this.verdict !== null && this.kind(row) !== this.verdict) continue;
      if (wanted.length && !wanted.every((w) => this.text(row).includes(w))) continue;
      rows.push(row);
    }
    // What needs a person comes first; among equals the order of the run stays.
    const rank = { error: 0, fail: 1, inconc: 2, none: 3, not_run: 4, pass: 5 };
    this.rows = rows.sort((a, b) => rank[this.kind(a)] - rank[this.kind(b)] || a - b);
    this.picked = 0;
    this.view.scrollTop = 0;
    document.getElementById("count").textContent =
      `${rows.length} / ${this.data.columns.case.length} ${word("shown")}`;
    this.draw();
  }

  draw(everything = false) {
    const from = everything ? 0 : Math.max(0, Math.floor(this.view.scrollTop / ROW_PX) - 5);
    const shown = everything ? 2000 : Math.ceil(this.view.clientHeight / ROW_PX) + 10;
    const rows = this.rows.slice(from, from + Math.max(shown, 20));
    const height = everything ? rows.length : this.rows.length;
    this.spacer.style.height = `${height * ROW_PX}px`;
    this.view.setAttribute("aria-rowcount", this.rows.length);
    this.spacer.replaceChildren(...rows.map((row, i) => this.row(row, from + i)));
  }

  row(row, place) {
    const c = this.data.columns;
    const [id, , en, ja] = this.data.cases[c.case[row]];
    const unit = HEAD.units[c.unit[row]];
    const kind = this.kind(row);
    const state = STATES[c.state[row]];
    const again = c.attempt[row] > 1 ? ` (${c.attempt[row]} ${word("attempt")})` : "";
    const line = element("div",
      { class: `row v-${kind}${place === this.picked ? " on" : ""}`, role: "row",
        "aria-rowindex": place + 1, "aria-selected": place === this.picked },
      element("span", { class: "verdict" }, `${SYMBOLS[kind]} ${word(kind)}`),
      element("span", {}, id + again),
      element("span", {}, document.documentElement.lang === "ja" ? ja : en),
      element("span", {}, `${unit.model} ${unit.imei.slice(-4)} ${unit.firmware}`),
      element("span", { class: "num" }, shownMs(c.ms[row])),
      element("span", {}, this.data.texts[c.owner[row]]),
      element("span", {}, state === "open" ? word("open") : this.data.texts[c.cause[row]]));
    line.style.top = `${place * ROW_PX}px`;
    line.addEventListener("click", () => { this.pick(place); this.open(); });
    return line;
  }

  pick(place) {
    this.picked = Math.max(0, Math.min(this.rows.length - 1, place));
    const top = this.picked * ROW_PX;
    const room = this.view.clientHeight - ROW_PX;
    if (top < this.view.scrollTop) this.view.scrollTop = top;
    if (top > this.view.scrollTop + room) this.view.scrollTop = top - room;
    this.draw();
  }

  open() {
    if (this.rows.length) this.onOpen(this.rows[this.picked]);
  }

  key(event) {
    const steps = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: 15, PageUp: -15 };
    if (event.key in steps) this.pick(this.picked + steps[event.key]);
    else if (event.key === "Enter") this.open();
    else if (event.key === "/") document.getElementById("search").focus();
    else return;
    event.preventDefault();
  }
}
