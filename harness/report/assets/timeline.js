// One case on one clock: SIM, registration, phases, throughput, injections, events. Own SVG.
"use strict";

const LEFT_PX = innerWidth < 700 ? 84 : 120;
const LANE_PX = 20;
const CHART_PX = 130;
const LANES = ["at", "urc", "server", "power", "udev", "note"];
const BAD = /ERROR|REJECT|lost|timeout/i;

function drawn(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  if (text !== undefined) made.textContent = text;
  return made;
}

function shownRate(bps) {
  for (const [factor, unit] of [[1e9, "Gbit/s"], [1e6, "Mbit/s"], [1e3, "kbit/s"]]) {
    if (bps >= factor) return `${Number((bps / factor).toPrecision(4))} ${unit}`;
  }
  return `${Number(bps.toPrecision(4))} bit/s`;
}

class TimeLine {
  constructor(detail, onCursor) {
    this.d = detail;
    this.onCursor = onCursor;
    this.svg = drawn("svg", { class: "time", tabindex: 0, role: "img", "aria-label": word("timeline") });
    this.rates = detail.series.filter((s) => s.unit === "bit/s" && s.t.length);
    this.injections = detail.events.filter((e) => e[1] === "injection");
    const times = [0, detail.end, ...detail.events.map((e) => e[0]),
      ...detail.phases.flatMap((p) => [p[1], p[2]]), ...this.rates.flatMap((s) => [s.t[0], s.t.at(-1)])];
    const known = times.filter((t) => t !== null);
    this.first = Math.min(...known);
    this.last = Math.max(...known, this.first + 1);
    this.cursor = this.first;
    const injected = this.injections.map((e) => e[4].rate_bps).filter((v) => v > 0);
    const peak = this.rates.flatMap((s) => s.v).reduce((a, b) => Math.max(a, b ?? 0), 0);
    this.logarithmic = injected.some((v) => v < peak / 8);
    this.whole();
    this.listen();
  }

  whole() {
    const margin = (this.last - this.first) * 0.02;
    [this.from, this.to] = [this.first - margin, this.last + margin];
  }

  listen() {
    this.svg.addEventListener("pointerdown", (e) => { this.move(this.at(e)); this.svg.focus(); });
    this.svg.addEventListener("pointermove", (e) => { if (e.buttons) this.move(this.at(e)); });
    this.svg.addEventListener("wheel", (e) => {
      if (!e.ctrlKey && !e.shiftKey && document.activeElement !== this.svg) return;
      e.preventDefault();
      this.zoom(e.deltaY > 0 ? 1.25 : 0.8, this.at(e));
    }, { passive: false });
    this.svg.addEventListener("keydown", (e) => this.key(e));
    new ResizeObserver(() => this.draw()).observe(this.svg);
  }

  key(event) {
    const step = (this.to - this.from) / 50;
    const actions = {
      "+": () => this.zoom(0.5, this.cursor), "=": () => this.zoom(0.5, this.cursor),
      "-": () => this.zoom(2, this.cursor), Home: () => { this.whole(); this.draw(); },
      ArrowLeft: () => this.move(this.cursor - step), ArrowRight: () => this.move(this.cursor + step),
      l: () => { this.logarithmic = !this.logarithmic; this.draw(); },
      n: () => this.jump(1), p: () => this.jump(-1),
    };
    if (!(event.key in actions) || event.ctrlKey || event.metaKey) return;
    actions[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }

  jump(direction) {
    const times = this.d.events.map((e) => e[0]);
    const next = direction > 0 ? times.find((t) => t > this.cursor + 1e-6)
      : times.filter((t) => t < this.cursor - 1e-6).at(-1);
    if (next !== undefined) this.move(next);
  }

  at(event) {
    const box = this.svg.getBoundingClientRect();
    const share = (event.clientX - box.left - LEFT_PX) / Math.max(1, box.width - LEFT_PX);
    return this.from + Math.max(0, Math.min(1, share)) * (this.to - this.from);
  }

  x(t) { return LEFT_PX + ((t - this.from) / (this.to - this.from)) * (this.width - LEFT_PX); }

  move(t) {
    this.cursor = Math.max(this.first, Math.min(this.last, t));
    if (this.cursor < this.from || this.cursor > this.to) {
      const half = (this.to - this.from) / 2;
      [this.from, this.to] = [this.cursor - half, this.cursor + half];
    }
    this.draw();
    this.onCursor(this.cursor);
  }

  zoom(factor, around) {
    const span = Math.min(Math.max((this.to - this.from) * factor, 1), (this.last - this.first) * 1.04);
    const share = (around - this.from) / (this.to - this.from);
    this.from = around - span * share;
    this.to = this.from + span;
    this.draw();
  }

  draw() {
    this.width = Math.max(this.svg.clientWidth, LEFT_PX + 50);
    this.parts = [];
    let y = this.axis();
    y = this.segments(y, word("sims"), this.d.sims.map((s) =>
      [s[4], s[5], `${s[2]} ${s[0].slice(-4)}`, "sim", s.join(" ")]));
    y = this.segments(y, word("registration"), this.d.registrations.map(([t, text], i, all) =>
      [t, all[i + 1]?.[0] ?? null, text, "sim", text]), word("not_asked"));
    y = this.phases(y + 6);
    if (this.rates.length || this.injections.length) y = this.chart(y + 8);
    y = this.ticks(y + 6);
    const x = this.x(this.cursor);
    this.put("line", { class: "cursor", x1: x, x2: x, y1: 0, y2: y });
    this.svg.setAttribute("height", y + 4);
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${y + 4}`);
    this.svg.replaceChildren(...this.parts);
  }

  put(tag, attributes, text, title) {
    const made = drawn(tag, attributes, text);
    if (title) made.append(drawn("title", {}, title));
    this.parts.push(made);
  }

  axis() {
    const raw = (this.to - this.from) / Math.max(3, (this.width - LEFT_PX) / 90);
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
    for (let t = Math.ceil(this.from / step) * step; t <= this.to; t += step) {
      const x = this.x(t);
      this.put("line", { class: "grid", x1: x, x2: x, y1: 16, y2: 4000 });
      const digits = step >= 1000 ? 0 : Math.min(3, 3 - Math.floor(Math.log10(step)));
      if (x < this.width - 45) {
        this.put("text", { class: "quiet", x: x + 3, y: 12 }, `${(t / 1000).toFixed(digits)} s`);
      }
    }
    return 20;
  }

  bar(y, start, end, text, kind, title) {
    const stop = end ?? Math.max(this.last, start);
    const [x1, x2] = [Math.max(this.x(start), LEFT_PX), Math.min(this.x(stop), this.width)];
    if (x2 < LEFT_PX || x1 > this.width) return;
    this.put("rect", { class: kind, x: x1, y: y + 2, width: Math.max(2, x2 - x1), height: LANE_PX - 4,
      "stroke-dasharray": end === null ? "4 2" : null }, undefined, title);
    const fits = Math.floor((x2 - x1 - 6) / 6.2);
    if (fits > 3) this.put("text", { x: x1 + 4, y: y + 14, "pointer-events": "none" }, text.slice(0, fits));
  }

  segments(y, label, segments, nothing) {
    if (!segments.length && !nothing) return y;
    this.put("text", { class: "quiet", x: 0, y: y + 14 }, label);
    if (!segments.length) this.put("text", { class: "quiet", x: LEFT_PX + 4, y: y + 14 }, nothing);
    for (const [start, end, text, kind, title] of segments) this.bar(y, start, end, text, kind, title);
    return y + LANE_PX;
  }

  phases(y) {
    for (const [name, start, end, limitS, verdict, owner, note] of this.d.phases) {
      const took = end === null ? "…" : shownMs(end - start);
      const title = `${name}: ${took}` + (limitS === null ? "" : `, ${word("limit")} ${limitS} s`) +
        (owner ? `, ${owner}` : "") + (note ? `\n${note}` : "");
      this.put("text", { x: 0, y: y + 14 }, `${SYMBOLS[VERDICTS[verdict]]} ${name}`.slice(0, 18));
      this.bar(y, start, end, took, `bar v-${VERDICTS[verdict]}`, title);
      const x = limitS === null ? -1 : this.x(start + limitS * 1000);
      if (x >= LEFT_PX && x <= this.width) {
        this.put("line", { class: "limit", x1: x, x2: x, y1: y, y2: y + LANE_PX }, undefined, title);
      }
      y += LANE_PX;
    }
    return y;
  }

  chart(y) {
    const limits = this.d.measurements.filter((m) => m.unit === "bit/s" && m.limit !== null);
    const injected = this.injections.map((e) => e[4].rate_bps ?? null);
    const tops = [...this.rates.flatMap((s) => s.v), ...injected,
      ...limits.flatMap((m) => [m.limit_low, m.limit_high])].filter((v) => v !== null);
    const top = tops.reduce((a, b) => Math.max(a, b), 1) * 1.1;
    const least = tops.reduce((a, b) => (b > 0 ? Math.min(a, b) : a), top) / 2;
    const height = (v) => (this.logarithmic
      ? Math.max(0, Math.log(Math.max(v, least) / least) / Math.log(top / least)) : v / top);
    this.put("text", { class: "quiet", x: 0, y: y + 12 }, word("throughput") + (this.logarithmic ? " (log)" : ""));
    y += 16;
    const py = (v) => y + CHART_PX - height(v) * CHART_PX;
    for (const share of [0, 0.5, 1]) {
      const value = this.logarithmic ? least * (top / 1.1 / least) ** share : (top / 1.1) * share;
      this.put("text", { class: "quiet", x: 0, y: py(value) + (share === 1 ? 14 : -2) }, shownRate(value));
      this.put("line", { class: "grid", x1: LEFT_PX, x2: this.width, y1: py(value), y2: py(value) });
    }
    for (const m of limits) for (const v of [m.limit_low, m.limit_high]) if (v !== null) {
      this.put("line", { class: "limit", x1: LEFT_PX, x2: this.width, y1: py(v), y2: py(v) },
        undefined, `${word("limit")} ${m.limit}: ${shownRate(v)}`);
    }
    for (const s of this.rates) {
      const seen = s.t.map((t, i) => [t, s.v[i]]).filter(([t, v]) => v !== null && t >= this.from && t <= this.to);
      const path = seen.map(([t, v], i) => `${i ? "L" : "M"}${this.x(t).toFixed(1)} ${py(v).toFixed(1)}`).join("");
      this.put("path", { class: "curve", d: path || "M0 0" }, undefined, s.name);
    }
    this.injections.forEach((e, i) => {
      const end = this.injections[i + 1]?.[0] ?? this.last;
      const [x1, x2] = [Math.max(LEFT_PX, this.x(e[0])), Math.min(this.width, this.x(end))];
      if (x2 < x1) return;
      if (injected[i] === null) this.put("line", { class: "injected", x1, x2: x1, y1: y, y2: y + CHART_PX }, undefined, e[3]);
      else {
        this.put("path", { class: "injected", d: `M${x1} ${y + CHART_PX}V${py(injected[i])}H${x2}` }, undefined, e[3]);
        this.put("text", { x: x1 + 4, y: py(injected[i]) - 4 }, `${word("injected")} ${shownRate(injected[i])}`);
      }
    });
    return y + CHART_PX;
  }

  ticks(y) {
    for (const lane of LANES) {
      const events = this.d.events.filter((e) => e[1] === lane);
      if (!events.length) continue;
      this.put("text", { class: "quiet", x: 0, y: y + 14 }, lane);
      let path = "";
      for (const [t, , , text] of events) {
        if (t < this.from || t > this.to) continue;
        const x = this.x(t).toFixed(1);
        if (BAD.test(text)) this.put("path", { class: "tick bad", d: `M${x} ${y + 1}v${LANE_PX - 2}` }, undefined, text);
        else path += `M${x} ${y + 4}v${LANE_PX - 8}`;
      }
      if (path) this.put("path", { class: "tick", d: path });
      y += LANE_PX;
    }
    return y;
  }
}
