// Puts the pages together: the address says which, the stream keeps it up to date, the keyboard stays where it is.

import { areAllowed, forget, runs, submit } from "./actions.js";
import { attach, takeHistory, takePoint } from "./charts.js";
import { pages, wantsToken } from "./details.js";
import { h, morphChildren } from "./draw.js";
import { follow, keepToken, token } from "./live.js";
import { overviewPage } from "./overview.js";

const main = document.getElementById("content");
const STALE_S = 15;
const ASK_MS = 1000;
const FINAL = [401, 404]; // Asking again brings nothing else.
let seen = null; // The newest overview.
let answer = null; // Of the page behind the first that is shown.
let failed = null; // Why there is none.
let waited = ""; // What waits of the entity that is shown, when its rows were asked for.
let shown = "";
let isLost = false;

function place() {
  const [page, ...parts] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  return { page, parts };
}

function draw() {
  const { page } = place();
  document.querySelector("nav a[hidden]")?.toggleAttribute("hidden", !areAllowed());
  let content = null;
  if (page in pages) content = answer && pages[page].draw(answer, seen);
  else if (seen) content = overviewPage(seen);
  if (!content) return;
  morphChildren(main, h("main", {}, content));
  attach(main);
}

/** Goes to the page of the address; its heading takes the focus, so that a screen reader reads on there. */
async function go() {
  const { page, parts } = place();
  const isNew = shown !== location.hash;
  shown = location.hash;
  if (isNew) forget();
  for (const one of document.querySelectorAll("nav a")) {
    one.toggleAttribute("aria-current", one.getAttribute("href") === `#/${page}`);
  }
  if (page in pages) await load(pages[page], parts, isNew);
  if (isNew && page in pages === false) main.replaceChildren(h("p", { class: "quiet" }, "Looking at the servers ..."));
  draw();
  if (isNew && page in pages) main.querySelector("h1")?.focus();
}

async function load(page, parts, isNew) {
  const asked = shown;
  if (isNew) {
    [answer, failed] = [null, null];
    main.replaceChildren(h("p", { class: "quiet" }, "Asking ..."));
    scrollTo(0, 0);
  }
  try {
    const said = await page.load(parts);
    if (asked === shown) [answer, failed] = [said, null];
  } catch (failure) {
    if (asked !== shown) return;
    failed = failure;
    if (!answer) main.replaceChildren(trouble(failure));
  }
}

/** Whether what a page behind the first shows may have changed since it was asked for. */
function isOutdated() {
  const { page, parts } = place();
  if (!(page in pages) || FINAL.includes(failed?.status)) return false;
  const one = page === "entity" && seen.entities.find(({ name }) => name === parts[0]);
  const before = waited;
  waited = one ? `${one.dead_letters} ${one.parked}` : "";
  return !answer || waited !== before || ["verification", "cutover", "actions"].includes(page);
}

function trouble(failure) {
  if (failure.status === 401) {
    keepToken(null);
    return wantsToken();
  }
  return h("div", { class: "card" }, h("h1", { tabindex: "-1" }, "No answer"),
    h("p", {}, failure.error ?? "The server of this page does not answer."), failure.remedy ? h("p", {}, failure.remedy) : null);
}

function age() {
  const seconds = seen ? Math.max(0, Math.round((Date.now() - seen.at_ms) / 1000)) : null;
  const isOld = isLost || (seconds !== null && seconds > STALE_S);
  const pulse = document.getElementById("pulse").classList;
  pulse.toggle("lost", isOld);
  pulse.toggle("waits", !isOld && seconds === null);
  document.getElementById("age").textContent = isLost
    ? `no connection${seen ? `, as of ${new Date(seen.at_ms).toLocaleTimeString("en-GB")}` : ""}`
    : seconds === null ? "connecting" : seconds <= STALE_S ? "live" : `${seconds} s old`;
}

/** Tells screen readers what has changed in the verdict, and nothing else: figures change all the time. */
function say(text) {
  const said = document.getElementById("said");
  if (said.textContent !== text) said.textContent = text;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.classList.add("copied");
  say("Copied");
  setTimeout(() => button.classList.remove("copied"), 1500);
});

document.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const typed = new FormData(form);
  if (form.dataset.form === "row") {
    location.hash = `#/row/${encodeURIComponent(form.dataset.entity)}/${encodeURIComponent(typed.get("key"))}`;
    return;
  }
  if (form.dataset.form === "action") {
    act(form, typed);
    return;
  }
  const wasRefused = !seen;
  keepToken(typed.get("token").trim());
  shown = "";
  if (wasRefused) start();
  go();
});

/** Has something done; then shows how it goes, or why it was refused. */
async function act(form, typed) {
  const button = form.querySelector("button");
  button.disabled = true;
  if (!(await submit(form, typed))) draw();
  else if (location.hash === "#/actions") go();
  else location.hash = "#/actions";
  button.disabled = false;
}

/** A command that runs is asked often, for somebody waits; its end is told to screen readers by its own line. */
async function listen() {
  if (runs(answer) && place().page === "actions") await go();
  setTimeout(listen, ASK_MS);
}

function start() {
  follow({
    history: takeHistory,
    overview: (overview) => {
      seen = overview;
      isLost = false;
      document.getElementById("pipeline").textContent = overview.pipeline;
      document.title = `${overview.verdict.tone === "bad" ? "! " : ""}${overview.pipeline} · understudy`;
      say(overview.verdict.says);
      takePoint(overview.point);
      age();
      if (isOutdated()) go();
      else draw();
    },
    lost: () => {
      isLost = true;
      age();
    },
    refused: () => {
      keepToken(null);
      main.replaceChildren(h("h1", {}, "understudy"), wantsToken());
    },
  });
}

token();
listen();
addEventListener("hashchange", go);
setInterval(age, 1000);
start();
go();
