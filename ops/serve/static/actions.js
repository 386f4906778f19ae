// What the page may have done, where `serve --actions` allows it: forms that want the pipeline's name, and what a command has said.

import { command, h } from "./draw.js";
import { ask, send, token } from "./live.js";

const WORDS = { 0: ["good", "Done."], 130: ["warn", "Stopped."] }; // Of exit codes; all others are a failure.
let refused = null; // Why the last form was not taken, and which it was.

/** Whether forms are shown: the server takes actions, and who looks has the token. */
export function areAllowed() {
  return document.body.dataset.actions === "on" && Boolean(token());
}

/** A form that has something done after the pipeline's name was typed; nothing where actions are not allowed. */
export function actionForm(seen, action, { label, says, tone = null, entity = null, key = null, more = null }) {
  if (!areAllowed() || !seen) return null;
  const name = [action, entity, key].filter(Boolean).join(" ");
  return h("form", { class: `card action ${tone ?? ""}`, "data-form": "action", "data-action": action, "data-entity": entity, "data-row": key, "data-key": name },
    h("p", {}, says), more,
    h("p", {}, h("label", {}, "To confirm, type the pipeline's name, ", h("b", {}, seen.pipeline), " ",
      h("input", { name: "confirm", autocomplete: "off", autocapitalize: "off", spellcheck: "false", required: true })), " ", h("button", {}, label)),
    h("p", { class: "bad", role: "alert" }, refused?.name === name ? refused.text : null));
}

/** Forgets why a form was not taken: somebody went elsewhere. */
export function forget() {
  refused = null;
}

/** Sends a form; tells whether it was taken. */
export async function submit(form, typed) {
  const { action, entity = null, row: key = null } = form.dataset;
  try {
    await send("/api/actions", { action, entity, key, confirm: typed.get("confirm").trim(), since_last: typed.has("since_last") });
    refused = null;
  } catch (failure) {
    refused = { name: form.dataset.key, text: [failure.error ?? "The server of this page does not answer.", failure.remedy].filter(Boolean).join(" ") };
  }
  return refused === null;
}

/** Whether an answer of `load` is of a command that has not ended. */
export function runs(answer) {
  return Boolean(answer?.action) && answer.action.exit_code === null;
}

/** The page of the action that runs, or of the last one. */
export const actions = { load: loadActions, draw: drawActions };

async function loadActions() {
  if (document.body.dataset.actions !== "on") throw { status: 404, error: "This page changes nothing.", remedy: "understudy serve --actions lets it." };
  return ask("/api/actions");
}

function drawActions({ action }, seen) {
  const heading = h("h1", { tabindex: "-1" }, "Actions");
  if (!action) return [heading, h("p", { class: "quiet" }, "Nothing was started from this page yet. What can be done stands with each entity, dead letter, the verification and the cutover.")];
  const isOver = action.exit_code !== null;
  const [tone, words] = isOver ? (WORDS[action.exit_code] ?? ["bad", `It did not succeed: ${action.means} (${action.exit_code}).`]) : ["wait", "It runs."];
  return [
    heading,
    h("p", { class: `verdict ${tone}`, role: "status" }, words),
    h("p", {}, command(action.command)),
    h("h2", {}, "What it says"), h("pre", { tabindex: "0", "aria-label": "What it says" }, action.said || " "),
    isOver ? [h("h2", {}, "Next"), h("ul", { class: "plain" }, action.next_steps.map((step) => h("li", {}, command(step))))]
      : actionForm(seen, "stop", { label: "Stop it", tone: "bad", says: "Stops it as Ctrl-C does: a cutover opens its fence again, a verification can be resumed." }),
  ];
}
