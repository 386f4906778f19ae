// The first page: one look answers where we are, what is wrong, how far behind, how fast, and what has moved.

import { chart } from "./charts.js";
import { bytes, command, duration, h, number } from "./draw.js";

const WORDS = { bad: "stands still", warn: "needs you", todo: "to do" };

/** The page for an overview. */
export function overviewPage(seen) {
  return [
    h("h1", { class: "unseen" }, `Migration ${seen.pipeline}`),
    verdict(seen.verdict),
    stages(seen.stages),
    figures(seen.figures, seen.entities),
    problems(seen.problems),
    h("section", { class: "charts", "aria-label": "The last half hour" },
      chart("lag", "Lag"), chart("wal", "WAL"), chart("rate", "Rows in a second")),
    entities(seen.entities),
  ];
}

function verdict({ tone, says, command: next }) {
  return h("div", { class: `verdict ${tone}` }, h("p", {}, says), h("p", { class: "next" }, "Next: ", command(next)));
}

function stages(all) {
  const said = { done: "done", now: "now", todo: "to come" };
  return h("ol", { class: "stages", "aria-label": "Where we are" }, all.map(({ name, state, says }) =>
    h("li", { class: state, "aria-current": state === "now" ? "step" : null },
      h("b", {}, name), h("span", { class: "unseen" }, ` ${said[state]} `), h("span", { class: "quiet" }, says))));
}

function figure(name, value, note, tone = null) {
  return h("div", { class: tone }, h("dt", {}, name), h("dd", {}, value, h("small", {}, note)));
}

function figures(now, entities) {
  const latest = entities.reduce((worst, one) => ((one.lag_ms ?? -1) > (worst?.lag_ms ?? -1) ? one : worst), null);
  const budget = now.budget_bytes;
  const workers = now.workers === null ? "workers not known" : `${now.workers} ${now.workers === 1 ? "worker" : "workers"}`;
  return h("dl", { class: "figures" },
    figure("Behind the source", duration(now.lag_ms), now.lag_ms === null ? "known after the snapshot" : `at most: ${latest?.name ?? ""}`),
    figure("Left to apply", number(now.remaining), `${now.remaining && now.eta_s !== null ? `${duration(now.eta_s * 1000)} to go, ` : ""}${workers}`),
    figure("WAL held back", bytes(now.retained_bytes),
      [budget === null ? "no budget set" : `of ${bytes(budget)} `, budget === null ? null : h("progress", { max: budget, value: now.retained_bytes, "aria-label": "WAL held back, of its budget" })],
      now.wal_status === "lost" || now.wal_status === "unreserved" ? "bad" : null),
    figure("Waiting for a row", number(now.parked), "parked", now.parked ? "warn" : null),
    figure("Dead letters", number(now.dead_letters), now.dead_letters ? "look at their reasons" : "none", now.dead_letters ? "warn" : null));
}

function problems(all) {
  return h("section", { class: "problems", "aria-labelledby": "attention" },
    h("h2", { id: "attention" }, all.length ? `To settle (${all.length})` : "Nothing to settle"),
    all.length ? h("ul", {}, all.map(problem)) : h("p", { class: "quiet" }, "No server is silent, nothing waits, nothing has stopped."));
}

function problem({ tone, about, says, command: next, entity }) {
  return h("li", { class: tone, "data-key": `${about}-${entity ?? ""}-${entity ? "" : says}` },
    h("p", {}, h("span", { class: `mark ${tone}` }, WORDS[tone]), " ",
      h("b", {}, entity ? h("a", { href: link(entity) }, entity) : about), entity ? ` ${about}` : "", ": ", h("span", { class: "says" }, says)),
    command(next));
}

/** The address of an entity's page. */
export function link(entity) {
  return `#/entity/${encodeURIComponent(entity)}`;
}

const COLUMNS = [
  ["Entity", ""], ["State", ""], ["Lag", "n"], ["Rows/s", "n wide"], ["Left", "n wide"], ["Source rows", "n wide"], ["Target rows", "n wide"],
  ["Unaccounted", "n wide"], ["Parked", "n"], ["Dead letters", "n"], ["Verified", "wide"],
];

function entities(all) {
  return h("section", { "aria-labelledby": "moved" },
    h("h2", { id: "moved" }, "What has moved"),
    h("p", { class: "note quiet", id: "note" }, "Entities, those that need somebody first. ≈: about, by the catalog. Unaccounted: by the last verification."),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table of the entities" },
      h("table", { class: "entities", "aria-labelledby": "moved", "aria-describedby": "note" },
        h("thead", {}, h("tr", {}, COLUMNS.map(([name, kind]) => h("th", { scope: "col", class: kind }, name)))),
        h("tbody", {}, all.map(row)))));
}

function row(one) {
  const cells = [
    h("a", { href: link(one.name) }, one.name), state(one), duration(one.lag_ms), number(one.rows_per_s), number(one.remaining_records), about(one.source_rows, false),
    about(one.target_rows, one.is_counted), number(one.unaccounted), counted(one.parked), counted(one.dead_letters), verified(one.verified),
  ];
  return h("tr", { "data-key": one.name }, cells.map((cell, place) =>
    h(place ? "td" : "th", { scope: place ? null : "row", class: COLUMNS[place][1] }, cell)));
}

/** A state with its colour; the word says the same, and a second one that it does not move as it should. */
export function state(one) {
  const moves = { stall: "bad", warn: "warn", stop: "bad" }[one.movement];
  const stands = ["stopped", "paused", "new"].includes(one.state);
  const tone = { stopped: "bad", paused: "warn", new: "todo", switched: "good" }[one.state] ?? moves ?? (one.state === "tail" ? "good" : "todo");
  const second = moves && !stands ? `, ${one.movement}` : "";
  return h("span", { class: `state ${tone}` }, one.state + second);
}

function about(value, isExact) {
  return value === null || value === undefined ? "–" : `${isExact ? "" : "≈ "}${number(value)}`;
}

function counted(value) {
  return value ? h("b", { class: "warn" }, number(value)) : number(value);
}

/** How the newest verification ended. */
export function verified(known) {
  if (!known) return h("span", { class: "quiet" }, "never");
  const outcome = known.clean ? "clean" : known.differing ? `${number(known.differing)} differ` : "not clean";
  const since = known.rules_changed ? ", rules changed since" : known.records_since ? `, ${number(known.records_since)} records since` : "";
  return h("span", {}, h("b", { class: known.clean ? "good" : "warn" }, outcome), h("span", { class: "quiet" }, since));
}
