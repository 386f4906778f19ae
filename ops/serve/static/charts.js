// The charts, drawn by uPlot: lag of every entity, WAL against its budget, rows in a second.

import { bytes, duration, h, number } from "./draw.js";

const HEIGHT = 170;
const NAMED_MAX = 3; // Of the entities that are furthest behind; the others are thin lines.

/** What all charts are drawn from: columns of the last half hour. */
export const past = { at_s: [], lag_ms: {}, retained_bytes: [], budget_bytes: [], captured_per_s: [], applied_per_s: [] };
const LENGTH_MAX = 450;
const COLUMNS = ["at_s", "retained_bytes", "budget_bytes", "captured_per_s", "applied_per_s"];
const drawn = new Set();

/** Takes the history that the server has. */
export function takeHistory(history) {
  Object.assign(past, history);
  redraw();
}

/** Takes the newest point, unless it is known. */
export function takePoint(point) {
  const length = past.at_s.length;
  if (length && past.at_s[length - 1] >= point.at_s) return;
  for (const name of COLUMNS) past[name].push(point[name]);
  for (const [name, value] of Object.entries(point.lag_ms)) {
    past.lag_ms[name] ??= new Array(length).fill(null);
    past.lag_ms[name].push(value);
  }
  for (const column of [...COLUMNS.map((name) => past[name]), ...Object.values(past.lag_ms)]) {
    while (column.length <= length) column.push(null);
    if (column.length > LENGTH_MAX) column.shift();
  }
  redraw();
}

/** A place for a chart: kinds are lag, wal, rate; of one entity, or of all. */
export function chart(kind, title, entity = null) {
  const key = `chart-${kind}-${entity ?? ""}`;
  return h("figure", { "data-keep": true, "data-key": key, "data-chart": kind, "data-entity": entity, class: `chart ${kind}` },
    h("figcaption", {}, h("b", {}, title), " ", h("span", { class: "quiet" })),
    h("div", { class: "plot", "aria-hidden": "true" }));
}

/** Draws what has come into the page, after the rest of it is seen, and forgets what has left it. */
export function attach(root) {
  requestAnimationFrame(() => setTimeout(() => drawNew(root)));
}

function drawNew(root) {
  for (const one of [...drawn]) if (!one.figure.isConnected) one.end();
  for (const figure of root.querySelectorAll("figure[data-chart]")) {
    if (![...drawn].some((one) => one.figure === figure)) drawn.add(new Chart(figure));
  }
}

function redraw() {
  for (const one of drawn) one.draw();
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const KINDS = {
  lag: {
    says: (figure) => (worst(figure).length ? worst(figure).map(([name, value]) => `${name} ${duration(value)}`).join(", ") : "not known yet"),
    unit: (value) => duration(value * 1000),
    least: 1,
    lines: (figure) => {
      const named = new Map(worst(figure).map(([name], place) => [name, place]));
      const names = figure.dataset.entity ? [figure.dataset.entity] : Object.keys(past.lag_ms);
      // Those that are named are drawn last, above the others.
      names.sort((one, other) => named.has(one) - named.has(other) || named.get(other) - named.get(one));
      return names.map((name) => ({
        label: name,
        values: (past.lag_ms[name] ?? []).map((value) => (value === null ? null : value / 1000)),
        stroke: colour(named.get(name) === 0 ? "--accent" : named.has(name) ? "--second" : "--faint"),
        width: named.get(name) === 0 ? 2 : 1,
      }));
    },
  },
  wal: {
    says: () => {
      const budget = last(past.budget_bytes);
      return `${bytes(last(past.retained_bytes))} held back, ${budget === null ? "no limit set" : `budget ${bytes(budget)}`}`;
    },
    unit: bytes,
    steps: Array.from({ length: 40 }, (_, power) => 2 ** power),
    least: 1024 * 1024,
    lines: () => [
      { label: "budget", values: past.budget_bytes, stroke: colour("--bad"), width: 1, dash: [6, 4] },
      { label: "held back", values: past.retained_bytes, stroke: colour("--accent"), width: 2, fill: colour("--wash") },
    ],
  },
  rate: {
    says: () => `into Kafka ${number(last(past.captured_per_s))}, into the target ${number(last(past.applied_per_s))}`,
    unit: number,
    least: 10,
    lines: () => [
      { label: "into Kafka", values: past.captured_per_s, stroke: colour("--second"), width: 1.5, dash: [2, 3] },
      { label: "into the target", values: past.applied_per_s, stroke: colour("--accent"), width: 2 },
    ],
  },
};

function last(column) {
  return column.length ? column[column.length - 1] : null;
}

function worst(figure) {
  const names = figure.dataset.entity ? [figure.dataset.entity] : Object.keys(past.lag_ms);
  return names.map((name) => [name, last(past.lag_ms[name] ?? [])])
    .filter(([, value]) => value !== null)
    .sort(([, one], [, other]) => other - one)
    .slice(0, NAMED_MAX);
}

class Chart {
  constructor(figure) {
    this.figure = figure;
    this.kind = KINDS[figure.dataset.chart];
    this.place = figure.querySelector(".plot");
    this.words = figure.querySelector("figcaption .quiet");
    this.labels = "";
    this.sized = new ResizeObserver(() => this.plot?.setSize({ width: this.place.clientWidth, height: HEIGHT }));
    this.sized.observe(this.place);
    this.draw();
  }

  draw() {
    const lines = this.kind.lines(this.figure);
    this.tell();
    if (past.at_s.length < 2) return;
    const data = [past.at_s, ...lines.map((line) => line.values)];
    const labels = JSON.stringify(lines.map(({ label, stroke }) => [label, stroke]));
    if (labels === this.labels) {
      this.plot.setData(data);
      return;
    }
    this.labels = labels;
    this.plot?.destroy();
    this.plot = new window.uPlot(this.options(lines), data, this.place);
  }

  tell() {
    const at = this.plot?.cursor.idx;
    const text = at === null || at === undefined ? this.kind.says(this.figure) : this.at(at);
    if (this.words.textContent !== text) this.words.textContent = text;
  }

  /** What the lines show at one moment, the highest first. */
  at(place) {
    const time = new Date(past.at_s[place] * 1000).toLocaleTimeString("en-GB");
    const values = this.kind.lines(this.figure).map(({ label, values: all }) => [label, all[place]]);
    const known = values.filter(([, value]) => value !== null && value !== undefined).sort(([, one], [, other]) => other - one);
    return `${time}: ${known.slice(0, NAMED_MAX).map(([label, value]) => `${label} ${this.kind.unit(value)}`).join(", ")}`;
  }

  options(lines) {
    const axis = { gap: 4, stroke: colour("--quiet"), grid: { stroke: colour("--grid"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const times = [[3600, "{HH}:{mm}"], [60, "{HH}:{mm}"], [1, "{HH}:{mm}:{ss}"]];
    return {
      width: this.place.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      padding: [8, 8, 0, 0],
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: { y: { range: (_plot, _low, high) => [0, Math.max(this.kind.least, (high ?? 0) * 1.1)] } },
      axes: [
        { ...axis, size: 26, values: times.map(([step, form]) => [step, form, null, null, null, null, null, null, 1]) },
        { ...axis, size: 68, ...(this.kind.steps && { incrs: this.kind.steps }), values: (_plot, splits) => splits.map(this.kind.unit) },
      ],
      series: [{}, ...lines.map(({ label, stroke, width, dash, fill }) => ({ label, stroke, width, dash, fill, points: { show: false }, spanGaps: false }))],
      hooks: { setCursor: [() => this.tell()] },
    };
  }

  end() {
    this.sized.disconnect();
    this.plot?.destroy();
    drawn.delete(this);
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
