// The player of the call page: wave, emotion marks, and the transcript that follows. Without this script the browser's own
// player is there.
import WaveSurfer from "wavesurfer.js";
import Regions from "wavesurfer.js/dist/plugins/regions.esm.js";

const place = document.getElementById("player");
const audio = place.querySelector("audio");
const status = place.querySelector("[role=status]");
const words = JSON.parse(document.getElementById("player-words").textContent);
const base = place.dataset.call;
const lines = [...document.querySelectorAll(".transcript [data-ms]")];
const { marks, silences } = JSON.parse(document.getElementById("marks").textContent);
const speeds = [0.75, 1, 1.25, 1.5, 2];
let follows = true;
let wave;

async function whenMade(url, headers = {}) {
  for (;;) {
    const answer = await fetch(url, { headers });
    if (answer.redirected) throw new Error(words.ended); // to the log-in page
    if (answer.status === 200 || answer.status === 206) return answer;
    if (answer.status !== 202) throw new Error((await answer.json().catch(() => ({}))).detail ?? words.failed);
    const body = await answer.json();
    if (body.state === "failed") throw new Error(body.error ?? words.failed);
    status.textContent = body.engine === "ready" ? words.making : words.engine;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

function seek(seconds, play = true) {
  audio.currentTime = Math.max(0, seconds);
  if (play) audio.play();
}

function rowAt(seconds) {
  let found = null;
  for (const line of lines) {
    if (Number(line.dataset.ms) / 1000 <= seconds + 0.05) found = line;
    else break;
  }
  return found?.closest("li");
}

function follow() {
  const row = rowAt(audio.currentTime);
  const now = document.querySelector(".transcript .playing");
  if (row === now) return;
  now?.classList.remove("playing");
  now?.removeAttribute("aria-current");
  row?.classList.add("playing");
  row?.setAttribute("aria-current", "true");
  if (row && follows && !audio.paused) row.scrollIntoView({ block: "center" });
  const felt = [...(row?.querySelectorAll(".said [class^=tag-]") ?? [])].map((tag) => tag.textContent.replace(/[[\]]/g, ""));
  const spoken = [clock(audio.currentTime), row?.querySelector(".who")?.textContent, ...new Set(felt.map((tag) => words.tags[tag] || tag))];
  place.querySelector(".wave").setAttribute("aria-valuetext", spoken.filter(Boolean).join(", "));
  place.querySelector(".wave").setAttribute("aria-valuenow", String(Math.round(audio.currentTime)));
}

function next(step) {
  const times = lines.map((line) => Number(line.dataset.ms) / 1000);
  const now = audio.currentTime;
  const target = step > 0 ? times.find((time) => time > now + 0.1) : times.filter((time) => time < now - 1).pop();
  if (target !== undefined) seek(target, !audio.paused);
}

function speed(step) {
  const at = Math.max(0, Math.min(speeds.length - 1, speeds.indexOf(audio.playbackRate) + step));
  audio.playbackRate = speeds[at];
  status.textContent = `${speeds[at]}×`;
}

function nextMark() {
  const mark = marks.find((each) => each.at_ms / 1000 > audio.currentTime + 0.1) ?? marks[0];
  if (mark) seek(mark.at_ms / 1000);
}

const keys = {
  " ": () => (audio.paused ? audio.play() : audio.pause()),
  ArrowLeft: () => seek(audio.currentTime - 5, !audio.paused),
  ArrowRight: () => seek(audio.currentTime + 5, !audio.paused),
  ArrowUp: () => next(-1),
  ArrowDown: () => next(1),
  ",": () => speed(-1),
  ".": () => speed(1),
  f: nextMark,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = event.target;
  const own = at.closest("input, textarea, select, button, a, [contenteditable], summary");
  if (own || (at !== document.body && !at.closest("#player, .transcript, main"))) return;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

for (const link of document.querySelectorAll("a[data-ms]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    history.replaceState(null, "", link.getAttribute("href"));
    seek(Number(link.dataset.ms) / 1000);
  });
}
for (const button of place.querySelectorAll("button[data-key]")) {
  button.addEventListener("click", () => keys[button.dataset.key]());
}
place.querySelector("#follow").addEventListener("change", (event) => { follows = event.target.checked; });
audio.addEventListener("timeupdate", follow);
audio.addEventListener("seeked", follow);

async function start() {
  const drawn = await (await whenMade(`${base}/waveform`)).json();
  const sound = `${base}/sound${place.dataset.sound}`;
  if (place.dataset.sound) await whenMade(sound, { range: "bytes=0-0" });
  audio.src = sound;
  const linked = /^#t(\d+)$/.exec(location.hash); // who comes by the link of a sentence hears it first
  if (linked) audio.currentTime = Number(linked[1]) / 1000;
  status.textContent = "";
  const regions = Regions.create();
  const lanes = drawn.channels.map((_, index) => ({
    waveColor: drawn.roles[index] === "customer" ? "#8aa4cc" : "#b9c4cf",
    progressColor: drawn.roles[index] === "customer" ? "#3d6299" : "#5f6f7e",
    height: 48,
  }));
  wave = WaveSurfer.create({
    container: place.querySelector(".wave"),
    media: audio,
    peaks: drawn.channels.map((channel) => channel.map((value) => value / 127)),
    duration: drawn.duration_ms / 1000,
    splitChannels: lanes,
    height: 48,
    cursorColor: "#b3261e",
    barWidth: 2,
    plugins: [regions],
    cspNonce: place.dataset.nonce,
  });
  place.querySelector(".lanes").replaceChildren(...drawn.roles.map((role) => {
    const name = document.createElement("span");
    name.textContent = words.roles[role] ?? "";
    return name;
  }));
  const still = { drag: false, resize: false };
  wave.on("ready", () => {
    for (const [start, end] of silences) {
      regions.addRegion({ start: start / 1000, end: end / 1000, color: "#7b879433", ...still });
    }
    for (const mark of marks) {
      const label = document.createElement("span");
      label.textContent = mark.number;
      label.className = "mark";
      const look = mark.number ? { content: label, color: "#b3261e" } : { color: "#8a5200" };
      regions.addRegion({ start: mark.at_ms / 1000, ...look, ...still });
    }
  });
  place.querySelector("#zoom").addEventListener("input", (event) => {
    const room = place.querySelector(".wave").clientWidth;
    wave.zoom((room / (drawn.duration_ms / 1000)) * Number(event.target.value));
  });
  place.classList.add("ready");
}

// Once it is out of sight above, the player goes on at the foot of the window, without its wave; its place stays free.
const holder = place.parentElement;
new IntersectionObserver(([seen]) => {
  const isAbove = !seen.isIntersecting && seen.boundingClientRect.bottom < 0;
  if (isAbove === place.classList.contains("foot") || place.querySelector(".wave").contains(document.activeElement)) return;
  holder.style.minHeight = isAbove ? `${holder.offsetHeight}px` : "";
  place.classList.toggle("foot", isAbove);
}).observe(holder);

place.classList.add("scripted");
start().catch((problem) => { status.textContent = problem.message; });
