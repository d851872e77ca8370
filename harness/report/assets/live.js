// The live bench: one row for each open case, over server-sent events. No text becomes markup.
"use strict";

const body = document.getElementById("live");
const state = document.getElementById("state");
const source = new EventSource("/live/events");

function row(line) {
  const made = document.createElement("tr");
  const late = line.limit_s !== null && line.elapsed_s > line.limit_s;
  const texts = [line.run, line.case, line.router, line.phase, `${line.elapsed_s} s`,
    line.limit_s === null ? "–" : `${line.limit_s} s`, line.last];
  texts.forEach((text, place) => {
    const cell = document.createElement("td");
    cell.textContent = text;
    if (place === 4 || place === 5) cell.className = "num";
    if (place === 4 && late) cell.className = "num verdict v-fail";
    made.append(cell);
  });
  return made;
}

source.addEventListener("message", (event) => {
  const lines = JSON.parse(event.data);
  body.replaceChildren(...lines.map(row));
  state.textContent = lines.length === 0 ? "no run is going on" : `${lines.length} going on`;
});
source.addEventListener("error", () => { state.textContent = "not connected; trying again"; });
