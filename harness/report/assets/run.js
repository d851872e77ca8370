// Puts the page together: opens a case, its time-line, measurements, AT lines at the cursor.
"use strict";

const AROUND = 40;

function grid(heads, rows, numeric = []) {
  const cell = (tag, i, value) => element(tag, { class: numeric.includes(i) ? "num" : null }, value);
  return element("div", { class: "wide" }, element("table", {},
    element("thead", {}, element("tr", {}, ...heads.map((h, i) => cell("th", i, h)))),
    element("tbody", {}, ...rows.map((r) => element("tr", {}, ...r.map((v, i) => cell("td", i, v)))))));
}

function shownValue(value, unit) {
  if (value === null) return "–";
  if (unit === "bit/s") return shownRate(value);
  if (unit === "s" && value && Math.abs(value) < 1) return `${Number((value * 1000).toPrecision(4))} ms`;
  return `${Number(value.toPrecision(5))}${unit === "1" ? "" : ` ${unit}`}`;
}

function shownLimit(m) {
  if (m.limit === null) return "–";
  const low = m.limit_low === null ? "" : `≥ ${shownValue(m.limit_low, m.unit)}`;
  const high = m.limit_high === null ? "" : `≤ ${shownValue(m.limit_high, m.unit)}`;
  return `${[low, high].filter(Boolean).join(", ")} (${m.decision})`;
}

function measurements(detail) {
  const rows = detail.measurements.map((m) => [
    element("span", { class: `verdict v-${VERDICTS[m.verdict]}` },
      `${SYMBOLS[VERDICTS[m.verdict]]} ${m.marginal ? word("marginal") : ""}`),
    m.name, shownValue(m.value, m.unit),
    m.low === null ? "–" : `${shownValue(m.low, m.unit)} … ${shownValue(m.high, m.unit)}`,
    m.n, shownLimit(m), m.requirements.join(" "), m.reliability.join("; ") || "✓", m.bytes ? shownSize(m.bytes) : "–"]);
  return grid(["", word("measurements"), word("value"), word("interval"), "n", word("limit"),
    word("requirements"), word("reliability"), word("burnt")], rows, [2, 3, 4, 8]);
}

function shownSize(bytes) {
  const [factor, unit] = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "B"]].find(([f]) => bytes >= f) ?? [1, "B"];
  return `${Number((bytes / factor).toPrecision(4))} ${unit}`;
}

function fileLink(a) {
  const path = a[2].split("/").map(encodeURIComponent).join("/");
  return element("a", { href: `./${document.documentElement.dataset.base}${path}` }, a[1]);
}

function artifactLinks(detail) {
  return grid([word("artifacts"), "", "SHA-256", "", ""], detail.artifacts.map((a) => [
    a[0], fileLink(a), element("span", { class: "hash" }, a[3].slice(0, 16)), shownSize(a[4]), a[5]]), [3]);
}

function utcOf(detail, t) {
  return new Date((detail.start_utc_us + t * 1000) / 1000).toISOString().slice(11, 23) + "Z";
}

function eventRows(detail, t, body, onPick) {
  const place = detail.events.findIndex((e) => e[0] >= t);
  const middle = place < 0 ? detail.events.length : place;
  const from = Math.max(0, middle - AROUND);
  const shown = detail.events.slice(from, middle + AROUND);
  body.replaceChildren(...shown.map((e) => {
    const direction = { tx: "→ ", rx: "← " }[e[4].direction] ?? "";
    const line = element("tr", { class: Math.abs(e[0] - t) < 1 ? "near" : null },
      element("td", { class: "num" }, `${(e[0] / 1000).toFixed(3)} s`),
      element("td", { class: "wider" }, utcOf(detail, e[0])),
      element("td", {}, e[1]), element("td", { class: "wider" }, e[2] ?? ""), element("td", {}, direction + e[3]));
    line.addEventListener("click", () => onPick(e[0]));
    return line;
  }));
  const near = body.querySelector(".near") ?? body.children[Math.min(middle - from, body.children.length - 1)];
  if (near) near.parentElement.parentElement.parentElement.scrollTop = near.offsetTop - 120;
}

function captureHint(detail, t, holder) {
  const captures = detail.artifacts.filter((a) => a[0].startsWith("pcap"));
  if (!captures.length) return;
  const at = (detail.start_utc_us + t * 1000) / 1e6;
  holder.replaceChildren(word("wireshark"), ...captures.flatMap((a) => [" ", fileLink(a)]),
    `: frame.time_epoch >= ${(at - 0.5).toFixed(3)} && frame.time_epoch <= ${(at + 0.5).toFixed(3)}`);
}

// A page that a server shows asks it for what was left out; a file asks nobody.
async function asked(row) {
  const at = document.documentElement.dataset.detailsAt;
  if (!at) return null;
  const answer = await fetch(`./${at}${row}`).catch(() => null);
  return answer?.ok ? unpacked(await answer.text()) : null;
}

async function openCase(table, row) {
  table.opened = row;
  const holder = document.getElementById("case");
  const c = table.data.columns;
  const [id, version, en, ja] = table.data.cases[c.case[row]];
  const kind = table.kind(row);
  const title = document.documentElement.lang === "ja" ? ja : en;
  const cause = table.data.texts[c.cause[row]];
  const owner = table.data.texts[c.owner[row]];
  const heading = element("h2", { class: `v-${kind}` },
    element("span", { class: "verdict" }, `${SYMBOLS[kind]} ${word(kind)} `), `${id} v${version} ${title}`);
  const why = element("p", {}, [owner, cause].filter(Boolean).join(": "));
  const detail = await unpack(`d${row}`) ?? await asked(row);
  if (table.opened !== row) return;
  holder.hidden = false;
  if (detail === null) {
    holder.replaceChildren(heading, why, element("p", { class: "quiet" }, word("not_kept")));
    return;
  }
  const body = element("tbody", {});
  const hint = element("p", { class: "quiet hash" });
  const line = new TimeLine(detail, (t) => show(t));
  const show = (t) => { eventRows(detail, t, body, (at) => line.move(at)); captureHint(detail, t, hint); };
  const left = detail.events_left_out ? ` · ${detail.events_left_out} ${word("left_out")}` : "";
  holder.replaceChildren(heading, why, line.svg,
    detail.measurements.length ? measurements(detail) : "",
    element("h3", {}, `${word("at_lines")} ${left}`), hint,
    element("div", { class: "at" }, element("table", {}, body)),
    detail.artifacts.length ? artifactLinks(detail) : "");
  const failed = detail.phases.find((p) => p[4] > 1);
  line.move(failed ? failed[2] ?? failed[1] : line.first);
}

function localTimes() {
  for (const time of document.querySelectorAll("time[data-us]")) {
    const moment = new Date(Number(time.dataset.us) / 1000);
    time.title = `${time.textContent}\n${moment.toLocaleString("ja-JP", { timeZone: "Asia/Tokyo" })} JST`;
    // Swedish writes dates as ISO 8601 does; the zone is the reader's.
    time.textContent = moment.toLocaleString("sv-SE", { year: "numeric", month: "2-digit", day: "2-digit",
      hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" });
  }
}

unpack("table-data").then((data) => {
  const table = new Table(data, (row) => openCase(table, row));
  document.addEventListener("keydown", (event) => {
    if (event.target.tagName === "INPUT") {
      if (event.key === "Escape" || event.key === "Enter") table.view.focus();
      return;
    }
    if (!event.ctrlKey && !event.metaKey && !event.altKey) table.key(event);
  });
  localTimes();
  const wanted = /^#r(\d+)$/.exec(location.hash);
  const place = wanted === null ? 0 : table.rows.indexOf(Number(wanted[1]));
  if (place > 0) table.pick(place);
  table.open();
  document.documentElement.dataset.ready = "yes";
});
