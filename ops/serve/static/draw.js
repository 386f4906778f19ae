// Makes elements out of values, and brings a part of the page up to date without losing focus, selection or scroll.
// Text is set as text: nothing that comes from a database is ever read as markup.

/** An element: h("a", { href }, "text", child, [more children]). */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Of an element that is drawn again: what the reader has unfolded stays so.
const READERS_OWN = ["open"];

/** Makes `now` like `wanted`, step by step; an element with data-keep is its owner's own affair. */
export function morph(now, wanted) {
  for (const { name } of [...now.attributes]) if (!wanted.hasAttribute(name) && !READERS_OWN.includes(name)) now.removeAttribute(name);
  for (const { name, value } of wanted.attributes) if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  if (!("keep" in wanted.dataset)) morphChildren(now, wanted);
}

/** Gives `now` the children of `wanted`; those with the same data-key keep their element. */
export function morphChildren(now, wanted) {
  const keyed = new Map();
  for (const child of now.children) if (child.dataset.key) keyed.set(child.dataset.key, child);
  let at = now.firstChild;
  for (const child of [...wanted.childNodes]) {
    const known = (child.dataset?.key && keyed.get(child.dataset.key)) || at;
    if (!isSame(known, child)) {
      now.insertBefore(child, at);
      continue;
    }
    if (known !== at) now.insertBefore(known, at);
    else at = at.nextSibling;
    if (child.nodeType === Node.TEXT_NODE) {
      if (known.data !== child.data) known.data = child.data;
    } else morph(known, child);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function isSame(known, child) {
  return known && known.nodeName === child.nodeName && known.dataset?.key === child.dataset?.key;
}

/** A command with a button that copies it, and what is said of it in brackets at its end. */
export function command(text) {
  const [, words, note] = /^(.*?)( \(.*\))?$/s.exec(text);
  return h("span", { class: "command" },
    h("code", {}, words),
    h("button", { type: "button", "data-copy": words, "aria-label": `Copy: ${words}` }, "Copy"),
    note && h("span", { class: "quiet" }, note));
}

/** 12,345; a dash where nothing is known. */
export function number(value) {
  return value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en");
}

/** 0.35s, 12s, 5m03s, 2h07m, as the terminal writes it. */
export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "–";
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 2 : 1)}s`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, "0")}s`;
  return `${Math.floor(whole / 3600)}h${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")}m`;
}

/** 16 MB, in steps of 1024. */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  let rest = value;
  for (const unit of ["bytes", "kB", "MB", "GB", "TB"]) {
    if (rest < 1024 || unit === "TB") return `${rest < 10 && unit !== "bytes" ? rest.toFixed(1) : Math.round(rest)} ${unit}`;
    rest /= 1024;
  }
  return "";
}

/** A moment, in the reader's own time zone. */
export function moment(text) {
  if (!text) return "–";
  const at = new Date(text);
  const words = { dateStyle: "medium", timeStyle: "medium" };
  return h("time", { datetime: at.toISOString() }, new Intl.DateTimeFormat("en-GB", words).format(at));
}

/** Names and values, one below the other. */
export function facts(pairs) {
  return h("dl", {}, pairs.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value ?? "–")]));
}

/** A table that scrolls within itself; numbers stand right. */
export function table(caption, headings, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, headings.map((heading, place) => h("th", { scope: "col", class: typeof rows[0]?.[place] === "number" ? "n" : null }, heading)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) =>
        h("td", { class: typeof cell === "number" ? "n" : null }, typeof cell === "number" ? number(cell) : cell ?? "")))))));
}
