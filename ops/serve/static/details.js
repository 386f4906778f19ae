// The pages behind the first: an entity, a row that waits, the life of a row, the verification, the cutover.

import { actionForm, actions } from "./actions.js";
import { chart } from "./charts.js";
import { command, duration, facts, h, moment, number, table } from "./draw.js";
import { ask, token } from "./live.js";
import { link, state, verified } from "./overview.js";

const KINDS = { dead_letters: "dead letters", parked: "parked rows" };
const OPS = { r: "snapshot", c: "insert", u: "update", d: "delete", t: "tombstone" };

// States of a cutover in which it may be begun, or gone on with, and in which it may be aborted.
const ABORTS = ["planned", "prepared", "fenced", "drained"];
const BEGINS = ["none", "aborted", "returned", ...ABORTS];

/** Each page: `load` asks once, `draw` makes it of the answer and of the newest overview. */
export const pages = { entity: { load: loadEntity, draw: drawEntity }, letter: { load: loadLetter, draw: drawLetter },
  row: { load: loadRow, draw: drawRow }, verification: { load: () => ask("/api/verification"), draw: drawVerification },
  cutover: { load: loadCutover, draw: drawCutover }, actions };

function rowLink(page, ...parts) {
  return `#/${page}/${parts.map(encodeURIComponent).join("/")}`;
}

async function loadEntity([name]) {
  const rows = (kind) => (token() ? ask("/api/rows/waiting", { kind, entity: name }) : null);
  const told = await ask("/api/entity", { entity: name });
  const [dead_letters, parked] = await Promise.all([rows("dead_letters"), rows("parked")]);
  const differences = token() ? await ask("/api/rows/differences", { entity: name }) : null;
  return { told, dead_letters, parked, differences };
}

function drawEntity({ told, dead_letters, parked, differences }, seen) {
  const now = seen?.entities.find((one) => one.name === told.name);
  return [
    title(told.name, now ? state(now) : null),
    now?.stopped_reason ? h("p", { class: "verdict bad" }, now.stopped_reason) : null,
    h("div", { class: "columns" },
      facts([
        ["From, to", `${told.source} → ${told.target}`], ["Rules", told.file], ["Topic", told.topic],
        ["Waits for", entityLinks(told.parents)], ["Waited for by", entityLinks(told.children)],
      ]),
      now && facts([
        ["Behind the source", duration(now.lag_ms)], ["Applied, left", `${number(now.applied)}, ${number(now.remaining_records)}`],
        ["Rows in a second, to go", `${number(now.rows_per_s)}, ${now.eta_s === null ? "–" : duration(now.eta_s * 1000)}`],
        ["Rows of the source, of the target", `≈ ${number(now.source_rows)}, ${now.is_counted ? "" : "≈ "}${number(now.target_rows)}`],
        ["All is applied up to", now.watermark], ["Verified", verified(now.verified)],
        now.unowned.length ? ["Nobody consumes", now.unowned.join(", ")] : null,
      ].filter(Boolean))),
    h("section", { class: "charts one", "aria-label": "The last half hour" }, chart("lag", "Lag", told.name)),
    told.verified && found(told.verified),
    waiting(told.name, "dead_letters", dead_letters, now?.dead_letters_by_reason ?? {}),
    waiting(told.name, "parked", parked, parents(told.waiting)),
    differences?.found ? section("Rows that differed", table("Rows that differed at the last verification", ["key", "how", "columns"],
      differences.rows.map((one) => [h("a", { href: rowLink("row", told.name, one.key) }, one.key), one.kind, one.columns.join(", ")]))) : null,
    Object.keys(now?.dead_letters_by_reason ?? {}).length ? retryForm(seen, { entity: told.name, label: "Try all of them again" }) : null,
    section("A row of it", rowForm(told.name)),
    section("Commands", h("ul", { class: "plain" }, told.commands.map((text) => h("li", {}, command(text))))),
  ];
}

function title(text, more = null) {
  return h("h1", { tabindex: "-1" }, text, " ", more);
}

function section(name, ...content) {
  return h("section", { "aria-label": name, "data-key": name }, h("h2", {}, name), content);
}

function entityLinks(names) {
  return names.length ? h("span", {}, names.map((name, place) => [place ? ", " : "", h("a", { href: link(name) }, name)])) : "nobody";
}

function parents(rows) {
  return Object.fromEntries(rows.map((one) => [`${one.reason}${one.waits_for ? ` ${one.waits_for}` : ""}`, one.rows]));
}

function waiting(name, kind, listed, reasons) {
  const known = Object.entries(reasons).sort(([, one], [, other]) => other - one);
  if (!known.length) return null;
  const words = KINDS[kind];
  return section(words[0].toUpperCase() + words.slice(1),
    table(`${words} by reason`, [kind === "parked" ? "why, for whom" : "SQLSTATE, constraint, column", "rows"], known.map(([reason, rows]) => [reason || "a rule", rows])),
    listed ? keys(name, kind, listed) : wantsToken());
}

function keys(name, kind, { found: count, rows }) {
  const more = count > rows.length ? h("p", { class: "quiet" }, `The oldest ${rows.length} of ${number(count)}.`) : null;
  return [more, table(`${KINDS[kind]} of ${name}`, ["key", "why", "tries", "since"], rows.map((one) => [
    h("a", { href: rowLink("letter", kind, name, one.legacy_key) }, one.legacy_key),
    one.error ?? [one.reason, one.waits_for].filter(Boolean).join(" "), one.attempts, moment(one.first_at)]))];
}

function retryForm(seen, { entity, key = null, label }) {
  return actionForm(seen, "retry", { label, entity, key, says: "Once the row, the rule or the target is mended: has the workers try again, with the entity files as they are now." });
}

/** Says how rows are seen, and takes the token. */
export function wantsToken() {
  return h("form", { class: "card", "data-form": "token" },
    h("p", {}, "Keys and values of rows are shown with the token of this page: open the address that understudy serve has printed, or type it."),
    h("label", {}, "Token ", h("input", { type: "password", name: "token", autocomplete: "off", required: true })), " ", h("button", {}, "Show rows"));
}

function rowForm(name) {
  if (!token()) return wantsToken();
  return h("form", { "data-form": "row", "data-entity": name },
    h("label", {}, "Legacy key ", h("input", { name: "key", autocomplete: "off", required: true })), " ", h("button", {}, "Show its life"));
}

function found(one) {
  const kinds = Object.entries(one.found);
  return section("Last verification",
    facts([["At", moment(one.at)], ["Point", `LSN ${one.lsn}, ${one.scope}`], ["Rows compared", number(one.compared)],
      ["Differing", number(one.differing)], ["Unaccounted", number(one.unaccounted)], ["By", one.who]]),
    kinds.length ? table("What was found", ["what", "rows"], kinds) : null);
}

async function loadLetter([kind, entity, key]) {
  return token() ? { kind, entity, key, row: await ask("/api/rows/letter", { kind, entity, key }) } : { entity, key };
}

function drawLetter({ kind, entity, key, row }, seen) {
  if (!row) return [title(`${entity} ${key}`), wantsToken()];
  const { image, error, constraint_name: constraint, column_name: column, ...rest } = row;
  const known = Object.fromEntries(Object.entries(rest).filter(([name, value]) => value !== null && !["entity", "legacy_key"].includes(name)));
  const why = [error ?? `It waits: ${[row.reason, row.waits_for, row.waits_id].filter(Boolean).join(" ")}`, constraint && `constraint ${constraint}`, column && `column ${column}`];
  const words = `${seen?.folder ?? "FOLDER"} --entity ${entity} --only ${quoted(`key=${key}`)}`;
  const next = kind === "parked" ? [`understudy parked list ${words}`] : [`understudy dead-letters retry ${words} --wait 60`, `understudy dead-letters discard ${words} --because "..."`];
  return [
    title(`${entity} ${key}`, h("span", { class: "state warn" }, kind === "parked" ? "parked" : "dead letter")),
    h("p", {}, h("a", { href: link(entity) }, `All of ${entity}`), " · ", h("a", { href: rowLink("row", entity, key) }, "Its whole life")),
    h("p", { class: "verdict warn" }, why.filter(Boolean).join(", ")),
    h("div", { class: "columns" }, section("Its legacy row", values(image)), section("What is known of it", values(known))),
    section("Next", h("p", { class: "quiet" }, "Mend the row at the source, the rule or the target; then:"), h("ul", { class: "plain" }, next.map((text) => h("li", {}, command(text))))),
    kind === "parked" ? null : retryForm(seen, { entity, key, label: "Try it again" }),
  ];
}

/** A word as the shell takes it. */
function quoted(text) {
  return /^[\w=.,:@%+/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Columns and values of a row. */
function values(row) {
  if (!row) return h("p", { class: "quiet" }, "none");
  return h("dl", { class: "row" }, Object.entries(row).map(([name, value]) => [h("dt", {}, name), h("dd", {}, text(value))]));
}

function text(value) {
  if (value === null || value === undefined) return h("span", { class: "quiet" }, "null");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

async function loadRow([entity, key]) {
  return token() ? { entity, key, ...(await ask("/api/rows/lives", { entity, key })) } : { entity, key };
}

function drawRow({ entity, key, lives }) {
  if (!lives) return [title(`${entity} ${key}`), wantsToken()];
  return [
    title(`${lives[0]?.source ?? entity} ${key}`),
    h("p", {}, h("a", { href: link(entity) }, `All of ${entity}`)),
    lives.map((life) => [
      h("h2", {}, `As ${life.entity}, in ${life.target}: `, h("b", {}, life.state)),
      h("div", { class: "columns" }, section("Legacy row now", values(life.legacy_row)), section("Target row now", values(life.target_row))),
      life.waiting ? section("It waits", values(life.waiting)) : null,
      life.mapping ? h("details", {}, h("summary", {}, "Mapping and original row"), values(life.mapping)) : null,
      life.done.length ? table("What operators did", ["when", "who", "what", "why"], life.done.map((one) => [moment(one.at), one.who, one.action, one.why])) : null,
      section(`Events in Kafka (${life.events.length})`, table("Events in Kafka, in order", ["what", "when", "LSN", "partition, offset", "row"], life.events.map((one) => [
        OPS[one.op] ?? one.op, moment(one.at), one.lsn ? `${one.lsn}/${one.ordinal}` : "–", `${one.partition}, ${one.offset}`,
        one.row ? h("details", {}, h("summary", {}, "show"), values(one.row)) : "–"]))),
    ]),
  ];
}

function drawVerification({ entities }, seen) {
  const now = new Map((seen?.entities ?? []).map((one) => [one.name, one.verified]));
  return [
    title("Last verification"),
    h("p", {}, "Every row of the target beside what the rules make of its legacy row, at one exact point. ", command(`understudy verify ${seen?.folder ?? "FOLDER"}`)),
    entities.length ? table("The newest verification of each entity", ["entity", "outcome", "compared", "differing", "unaccounted", "scope", "at", "point"], entities.map((one) => [
      h("a", { href: link(one.entity) }, one.entity), verified(now.get(one.entity) ?? { clean: !one.differing, differing: one.differing }),
      one.compared, one.differing, one.unaccounted, one.scope, moment(one.at), one.lsn]))
      : h("p", { class: "quiet" }, "Nothing was verified yet."),
    actionForm(seen, "verify", { label: "Verify", says: "Compares every row while the pipeline goes on; its workers are held for a second or two.",
      more: h("p", {}, h("label", {}, h("input", { type: "checkbox", name: "since_last" }), " Only what has changed since the last one")) }),
  ];
}

function loadCutover() {
  return ask(token() ? "/api/rows/evidence" : "/api/cutover");
}

function drawCutover(cutover, seen) {
  const open = !["none", "finished"].includes(cutover.state);
  return [
    title("Cutover"),
    h("p", { class: `verdict ${["switched", "finished"].includes(cutover.state) ? "good" : "wait"}` },
      cutover.state === "none" ? "None was begun." : `State: ${cutover.state}.`,
      cutover.pause_s === null ? "" : ` Nobody could write for ${cutover.pause_s.toFixed(2)} s.`),
    cutover.state === "none" ? null : facts([["Begun", moment(cutover.began_at)], ["By", cutover.who], ["Ended", moment(cutover.ended_at)],
      ["Signed off", Object.entries(cutover.accepted).map(([gate, count]) => `${gate}: ${count}`).join(", ") || "nothing"], ["Because", cutover.because]]),
    section(open ? "Next" : "Commands", h("ul", { class: "plain" }, cutover.next_steps.map((step) => h("li", {}, command(step))))),
    BEGINS.includes(cutover.state) && actionForm(seen, "begin", { label: "Begin the cutover", tone: "bad",
      says: "Looks at the gates, and if all are met closes the legacy tables to writes, drains, proves and switches to the target. What goes wrong before the switch opens them again. Gates are signed off in a terminal." }),
    ABORTS.includes(cutover.state) && actionForm(seen, "abort", { label: "Abort the cutover", says: "Opens the legacy tables to writes again and ends this cutover; the pipeline goes on." }),
    cutover.steps.length ? section("Steps", cutover.steps.map((step) => h("details", {},
      h("summary", {}, h("b", {}, step.step), " ", moment(step.at), step.seconds === null ? "" : `, ${step.seconds.toFixed(2)} s`, `, ${step.who}`),
      step.evidence ? h("pre", {}, JSON.stringify(step.evidence, null, 2)) : h("p", { class: "quiet" }, "The evidence is shown with the token.")))) : null,
  ];
}
