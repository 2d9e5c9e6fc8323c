// Keeps the board and the page of a live call current: what is said is put in as it comes, everything else by asking
// for the page again and changing what differs. Rows stay where they are while somebody points at them or is in them.
const words = JSON.parse(document.getElementById("words").textContent);
const page = document.querySelector("[data-path]");
const own = page.dataset.call;
const talk = document.getElementById("talk");
const news = document.getElementById("news");
const urgent = document.getElementById("urgent");
const link = document.getElementById("link");
const quietMs = 3000, insideMs = 15000, againMs = 5000, soonMs = 250, hiddenMs = 2000, apartMs = 5000, lostMs = 10000;
const heard = new Map(); // by call: the last sentence and mood that were told
let touchedAt = -Infinity, askedAt = -Infinity, waiting = 0, asking = false, asksAgain = false, source = null;
let known = new Set([...document.querySelectorAll("[data-alert]")].map(nameOf));

function nameOf(alert) {
  return `${alert.dataset.alert}/${alert.dataset.level}/${alert.dataset.state}`;
}

function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  const rest = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"));
  return seconds >= 3600 ? `${Math.floor(seconds / 3600)}:${rest.join(":")}` : `${Number(rest[0])}:${rest[1]}`;
}

function made(name, className, text) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.textContent = text ?? "";
  return element;
}

function isBusy(within) {
  const idleMs = performance.now() - touchedAt;
  return idleMs < quietMs || (idleMs < insideMs && within.contains(document.activeElement));
}

// --- what differs --------------------------------------------------------------------------------------------------

const isKept = (name, element) => (element.nodeName === "DETAILS" && name === "open") || name === "data-following";

function morph(old, fresh) {
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !isKept(name, old)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value && !isKept(name, old)) old.setAttribute(name, value);
  const byId = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  const isList = byId.size > 0, isHeld = isList && isBusy(old);
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const match = child.id ? byId.get(child.id) : place && !place.id && place.nodeName === child.nodeName ? place : null;
    if (!match) {
      old.insertBefore(child, isHeld ? null : place);
      continue;
    }
    byId.delete(child.id);
    if (match === place) place = place.nextSibling;
    else if (!isHeld) old.insertBefore(match, place);
    if (match.nodeType === Node.TEXT_NODE) { if (match.data !== child.data) match.data = child.data; }
    else if (match.nodeType === Node.ELEMENT_NODE) morph(match, child);
  }
  for (const gone of byId.values()) { if (gone === place) place = place.nextSibling; gone.remove(); }
  while (place) { const next = place.nextSibling; if (!place.id) place.remove(); place = next; }
}

function mergeLines(list, fresh) {
  for (const line of [...fresh.children]) addLine(list, line);
}

function addLine(list, line) {
  if (list.querySelector(`[data-line="${line.dataset.line}"]`)) return;
  const isAtEnd = isTalkAtEnd();
  const later = [...list.children].find((other) => Number(other.dataset.at) > Number(line.dataset.at));
  list.insertBefore(line, later ?? null);
  document.getElementById("nothing")?.remove();
  if (isAtEnd && !later) talk.scrollTop = talk.scrollHeight;
}

function isTalkAtEnd() {
  return talk.scrollTop + talk.clientHeight >= talk.scrollHeight - 40;
}

async function ask() {
  clearTimeout(waiting);
  waiting = 0;
  if (asking) { asksAgain = true; return; }
  asking = true;
  askedAt = performance.now();
  try {
    const answer = await fetch(location.pathname + location.search, {
      headers: { accept: "text/html" }, signal: AbortSignal.timeout(lostMs), // a request that hangs would be the last
    });
    if (answer.redirected && own && new URL(answer.url).pathname.startsWith("/calls/")) { becomeCall(); return; }
    if (answer.redirected || answer.status === 404) { location.reload(); return; }
    if (!answer.ok) throw new Error(String(answer.status));
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (source?.readyState === EventSource.OPEN) link.textContent = "";
  } catch { link.textContent = words.lost; }
  finally {
    asking = false;
    if (asksAgain) { asksAgain = false; askSoon(); }
  }
}

// The result of the recording has taken the place of this page: go there, to where the reader is. Who writes goes later.
function becomeCall() {
  if (page.contains(document.activeElement) && document.activeElement.matches("input, textarea")) return;
  const top = talk.getBoundingClientRect().top;
  const lines = [...document.getElementById("lines").children];
  const line = isTalkAtEnd() ? lines.at(-1) : lines.find((each) => each.getBoundingClientRect().bottom > top);
  location.replace(`${location.pathname}?t=${Math.floor(Number(line?.dataset.at ?? 0) / 1000)}`);
}

function show(fresh) {
  const focus = document.activeElement, place = focus?.closest("[data-call], [data-alert]");
  for (const region of document.querySelectorAll("[data-live]")) {
    const other = fresh.querySelector(`[data-live="${region.dataset.live}"]`);
    if (!other) continue;
    if (region.dataset.live === "lines") mergeLines(region, other);
    else morph(region, other);
  }
  if (place && document.activeElement === document.body) {
    const next = focus.isConnected ? focus : (place.isConnected ? place : page).querySelector("a");
    next?.focus({ preventScroll: true });
  }
  stampTimes();
  for (const id of heard.keys()) showHeard(id);
  tellNew();
}

function askSoon() {
  const apart = document.hidden ? hiddenMs : soonMs;
  if (!waiting) waiting = setTimeout(ask, Math.max(0, askedAt + apart - performance.now()));
}

// --- times ---------------------------------------------------------------------------------------------------------

function stampTimes() {
  const now = performance.now();
  for (const element of document.querySelectorAll("[data-since], [data-left], [data-next]")) element.stampedAt = now;
}

function tick() {
  const now = performance.now();
  const passed = (element) => Math.floor((now - (element.stampedAt ?? now)) / 1000);
  for (const element of document.querySelectorAll("[data-since]")) element.textContent = clock(1000 * (Number(element.dataset.since) + passed(element)));
  for (const [name, text, over] of [["left", words.left, words.over], ["next", words.next, words.moved]]) {
    for (const element of document.querySelectorAll(`[data-${name}]`)) {
      const left = Number(element.dataset[name]) - passed(element);
      element.textContent = left > 0 ? text.replace("{count}", left) : over;
    }
  }
}

// --- what is said --------------------------------------------------------------------------------------------------

// The word stands behind the tag by its style, as where the server writes it.
function tagOf(name, word) {
  const tag = made("span", `tag-${name}`, `[${name.toUpperCase()}]`);
  if (word && word.toUpperCase() !== name.toUpperCase()) tag.dataset.word = word;
  return tag;
}

function tagsOf(line) {
  return [line.emotion, ...(line.events ?? [])]
    .filter((name) => name && !["NEUTRAL", "Speech", "EMO_UNKNOWN"].includes(name))
    .map((name) => tagOf(name, words.tags[name.toUpperCase()]));
}

function lineItem(line, isOpen) {
  const item = made("li", line.role);
  const said = made("span", "said", `${line.text} `);
  said.lang = "zh";
  said.append(...tagsOf(line));
  if (isOpen) said.append(" ", made("span", "chip", words.open));
  else { item.id = `t${line.start_ms}`; item.dataset.line = `${line.channel}-${line.start_ms}`; }
  item.dataset.at = line.start_ms;
  item.append(made("span", "time", clock(line.start_ms)), " ", made("span", "who", words.roles[line.role] ?? line.role), " ", said);
  return item;
}

function showOpen(line) {
  const list = document.getElementById("open-lines");
  list.querySelector(`[data-channel="${line.channel}"]`)?.remove();
  if (!line.text) return;
  const item = lineItem(line, true), isAtEnd = isTalkAtEnd();
  item.dataset.channel = line.channel;
  list.append(item);
  if (isAtEnd) talk.scrollTop = talk.scrollHeight;
}

function hear(id, line, isOpen) {
  if (own) {
    if (isOpen) showOpen(line);
    else { showOpen({ ...line, text: "" }); addLine(document.getElementById("lines"), lineItem(line, false)); }
  }
  if (!line.text) return;
  const before = heard.get(id) ?? {};
  const mood = line.role === "customer" && line.emotion ? line : before.mood;
  heard.set(id, { last: { ...line, isOpen }, mood });
  showHeard(id);
}

function showHeard(id) {
  const row = document.querySelector(`[data-call="${id}"]`);
  const { last, mood } = heard.get(id);
  const lastCell = row?.querySelector(".last"), moodCell = row?.querySelector(".mood");
  if (lastCell && last.start_ms >= Number(lastCell.dataset.at)) {
    const text = made("span", last.isOpen ? "open" : "", last.text);
    text.lang = "zh";
    lastCell.replaceChildren(made("small", "", words.roles[last.role] ?? last.role), " ", text);
    if (last.isOpen) lastCell.append(" ", made("span", "chip", words.open));
  }
  if (moodCell && mood && mood.start_ms >= Number(moodCell.dataset.at)) {
    const tag = ["NEUTRAL", "EMO_UNKNOWN"].includes(mood.emotion) ? [] : [tagOf(mood.emotion), " "];
    moodCell.replaceChildren(...tag, words.emotions[mood.emotion] ?? mood.emotion);
  }
}

// --- what is told --------------------------------------------------------------------------------------------------

const said = { polite: -Infinity, queue: [], timer: 0 };

function tellNew() {
  const alerts = [...document.querySelectorAll("[data-alert]")];
  const fresh = alerts.filter((alert) => !known.has(nameOf(alert)) && alert.dataset.state === "new");
  known = new Set(alerts.map(nameOf));
  for (const alert of fresh) {
    if (alert.dataset.level === "3") urgent.textContent = alert.dataset.said;
    else said.queue.push(alert.dataset.said);
    call(alert.dataset.said);
  }
  if (said.queue.length && !said.timer) said.timer = setTimeout(sayPolitely, Math.max(0, said.polite + apartMs - performance.now()));
}

function sayPolitely() {
  said.timer = 0;
  said.polite = performance.now();
  news.textContent = said.queue.splice(0).join(" · ");
}

const choices = ["ring", "notify"].map((id) => document.getElementById(id)).filter(Boolean);
document.getElementById("calling")?.removeAttribute("hidden");
for (const choice of choices) {
  choice.checked = localStorage.getItem(`board-${choice.id}`) === "yes";
  choice.addEventListener("change", async () => {
    if (choice.id === "notify" && choice.checked) choice.checked = (await Notification.requestPermission()) === "granted";
    localStorage.setItem(`board-${choice.id}`, choice.checked ? "yes" : "no");
    if (choice.id === "ring" && choice.checked) ring();
  });
}

function call(text) {
  const isOn = (id) => choices.some((choice) => choice.id === id && choice.checked);
  if (isOn("ring")) ring();
  if (isOn("notify") && Notification.permission === "granted") new Notification(text, { tag: "qareport" });
}

function ring() {
  const sound = new AudioContext(), tone = sound.createOscillator(), volume = sound.createGain();
  tone.frequency.value = 660;
  volume.gain.setValueAtTime(0.2, sound.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + 0.4);
  tone.connect(volume).connect(sound.destination);
  tone.start();
  tone.stop(sound.currentTime + 0.4);
  tone.addEventListener("ended", () => sound.close());
}

// --- the stream ----------------------------------------------------------------------------------------------------

function follow() {
  source?.close();
  source = new EventSource(`/api/v1/live/stream${own ? `?live_id=${encodeURIComponent(own)}` : ""}`);
  source.addEventListener("open", () => { page.dataset.following = "yes"; if (link.textContent) link.textContent = ""; askSoon(); });
  source.addEventListener("error", () => { if (source.readyState === EventSource.CLOSED) { link.textContent = words.lost; askSoon(); } });
  for (const [type, isOpen] of [["live.line", false], ["live.partial", true]]) {
    source.addEventListener(type, (event) => {
      const { live_id, data } = JSON.parse(event.data);
      if (!own || own === live_id) hear(live_id, data, isOpen);
    });
  }
  for (const type of ["live.started", "live.ended", "live.state", "live.signal", "live.finding", "alert.raised", "alert.changed", "reset"]) {
    source.addEventListener(type, askSoon);
  }
}

// Buttons answer at once, and the page stays where it is.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.classList.contains("act")) return;
  event.preventDefault();
  const button = event.submitter;
  const body = new URLSearchParams(new FormData(form));
  if (button?.name) body.set(button.name, button.value);
  const answer = await fetch(button?.getAttribute("formaction") || form.getAttribute("action"), { method: "POST", body, redirect: "manual" }).catch(() => null);
  if (!answer || (answer.type !== "opaqueredirect" && !answer.ok)) urgent.textContent = words.failed;
  else form.closest("details")?.removeAttribute("open");
  await ask();
});
for (const type of ["pointermove", "pointerdown", "keydown"]) {
  page.addEventListener(type, () => { touchedAt = performance.now(); }, { passive: true });
}
// The board listens on while it is hidden; the page of a call lets go of its connection, of which browsers have few.
document.addEventListener("visibilitychange", () => {
  if (own && document.hidden) { source?.close(); source = null; }
  else if (!source) follow();
});
talk?.classList.add("scripted");
if (talk && !location.hash) talk.scrollTop = talk.scrollHeight;
stampTimes();
setInterval(tick, 500);
setInterval(() => { if ((own && !document.hidden) || !own) ask(); }, againMs);
follow();
