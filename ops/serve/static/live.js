// What the server says: the stream of overviews, answers to single questions, and the token.

const TOKEN = "understudy-token";
const AGAIN_MS = 2000;

/** The token, from the address (which then forgets it) or from this tab's memory. */
export function token() {
  const found = /[#&]token=([^&]+)/.exec(location.hash);
  if (found) {
    keepToken(decodeURIComponent(found[1]));
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(TOKEN);
}

export function keepToken(text) {
  if (text) sessionStorage.setItem(TOKEN, text);
  else sessionStorage.removeItem(TOKEN);
}

function headers() {
  const known = token();
  return known ? { Authorization: `Bearer ${known}` } : {};
}

/** The answer to a question; throws { status, error, remedy }. */
export function ask(path, query = {}) {
  return answered(fetch(`${path}?${new URLSearchParams(query)}`, { headers: headers() }));
}

/** Has something done; throws as `ask` does. */
export function send(path, document) {
  return answered(fetch(path, { method: "POST", headers: { ...headers(), "Content-Type": "application/json" }, body: JSON.stringify(document) }));
}

async function answered(asked) {
  const response = await asked;
  const said = await response.json();
  if (response.ok) return said;
  throw { status: response.status, ...said };
}

/** Follows the server-sent events for ever: EventSource itself could not send the token. */
export async function follow(on) {
  for (;;) {
    try {
      const response = await fetch("/api/live", { headers: headers() });
      if (response.status === 401) {
        on.refused();
        return;
      }
      if (!response.ok) throw new Error(String(response.status));
      await read(response.body.pipeThrough(new TextDecoderStream()).getReader(), on);
    } catch {
      // The server is gone, or the network; the page says so by the age of what it shows.
    }
    on.lost();
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

async function read(reader, on) {
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const found = /^event: (\w+)\ndata: (.*)$/s.exec(block);
      if (found) on[found[1]](JSON.parse(found[2]));
    }
  }
}
