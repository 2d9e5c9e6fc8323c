// Uploads one file after the other, and shows what is heard while it is heard. Without this script the form works too.
const form = document.getElementById("upload");
const list = document.getElementById("uploads");
const words = JSON.parse(document.getElementById("words").textContent);
const notice = document.getElementById("notice");
const over = new Set(["done", "failed", "cancelled"]);

function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function addLine(item, line) {
  const row = document.createElement("li");
  const time = document.createElement("span");
  time.className = "time";
  time.textContent = clock(line.start_ms);
  const said = document.createElement("span");
  said.className = "said";
  said.textContent = line.text;
  for (const tag of [line.emotion, ...line.events].filter((name) => name && !["NEUTRAL", "Speech"].includes(name))) {
    const mark = document.createElement("span");
    mark.className = `tag-${tag}`;
    mark.textContent = `[${tag.toUpperCase()}]`;
    const word = words.tags[tag.toUpperCase()];
    if (word && word.toUpperCase() !== tag.toUpperCase()) mark.dataset.word = word;
    said.append(mark);
  }
  row.append(time, " ", said);
  item.querySelector(".transcript").append(row);
}

function showState(item, state) {
  item.dataset.state = state.state;
  item.querySelector("progress")?.toggleAttribute("hidden", state.state !== "receiving");
  const colon = document.documentElement.lang.startsWith("zh") ? "：" : ": ";
  item.querySelector(".state").textContent = words.states[state.state] + (state.error || state.note ? colon + (state.error || state.note) : "");
  if (state.call_id && !item.querySelector("a")) {
    const link = document.createElement("a");
    link.href = `/calls/${encodeURIComponent(state.call_id)}`;
    link.textContent = words.open;
    const place = document.createElement("p");
    place.append(link);
    item.querySelector(".state").after(place);
  }
}

// Uploads that are not over, the one first that is heard first. One stream at a time: browsers have few connections to a
// desk, and files that are still to be sent need them. A hidden page lets go of its own.
const waiting = [];
let source = null;

function follow(item, id) {
  waiting.push({ item, id: Number(id) });
  waiting.sort((first, second) => first.id - second.id);
  listen();
}

function listen() {
  if (source || !waiting.length || document.hidden) return;
  const { item, id } = waiting[0];
  const own = (source = new EventSource(`/api/v1/uploads/${id}/events`));
  item.querySelector(".transcript").replaceChildren(); // all lines come again
  own.addEventListener("line", (event) => addLine(item, JSON.parse(event.data)));
  own.addEventListener("state", (event) => showState(item, JSON.parse(event.data)));
  own.addEventListener("done", (event) => { showState(item, JSON.parse(event.data)); leave(id); });
  own.addEventListener("error", () => {
    item.querySelector(".state").textContent = words.lost;
    if (own.readyState === EventSource.CLOSED) leave(id); // it was refused: others may not be
  });
}

function leave(id) {
  letGo();
  waiting.splice(waiting.findIndex((entry) => entry.id === id), 1);
  listen();
}

function letGo() {
  source?.close();
  source = null;
}

document.addEventListener("visibilitychange", () => { if (document.hidden) letGo(); else listen(); });

// What went wrong, in words; a proxy before the desk answers with a page of its own.
function problemOf(status, text) {
  if (status === 401) return { detail: words.ended };
  try {
    return JSON.parse(text);
  } catch {
    return { detail: status === 413 ? words.too_large : words.unsent };
  }
}

function put(url, file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    request.upload.addEventListener("progress", (event) => { progress.value = (100 * event.loaded) / event.total; });
    request.addEventListener("load", () => (request.status < 300 ? resolve(JSON.parse(request.responseText)) : reject(problemOf(request.status, request.responseText))));
    request.addEventListener("error", () => reject({ detail: words.unsent }));
    request.send(file);
  });
}

async function upload(file) {
  const item = document.getElementById("item").content.firstElementChild.cloneNode(true);
  item.querySelector(".name").textContent = file.name;
  list.querySelector(".empty")?.remove();
  list.prepend(item);
  showState(item, { state: "receiving" });
  if (file.size > Number(form.dataset.megabytes) * 1e6) {
    showState(item, { state: "failed", error: words.too_large });
    return;
  }
  const sides = { "agent-left": ["agent", "customer"], "customer-left": ["customer", "agent"] };
  const data = new FormData(form);
  try {
    const answer = await fetch("/api/v1/uploads", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        file_name: file.name, language: data.get("language"), order_id: data.get("order_id") || null,
        agent_id: data.get("agent_id") || null, external_ref: data.get("external_ref") || null, started_at: data.get("started_at") || null,
        channel_roles: sides[data.get("sides")] ?? [],
      }),
    });
    if (!answer.ok) throw problemOf(answer.status, await answer.text());
    const made = await answer.json();
    const state = await put(made.put_url, file, item.querySelector("progress"));
    showState(item, state);
    if (!over.has(state.state)) follow(item, made.upload_id);
  } catch (problem) {
    showState(item, { state: "failed", error: problem.detail ?? words.unsent });
  }
}

async function uploadAll(files) {
  const agent = form.querySelector("#agent");
  if (!agent.reportValidity()) return; // dropped files pass by what the form asks for
  const most = Number(form.dataset.most);
  notice.textContent = files.length > most ? words.too_many.replace("{count}", files.length - most) : "";
  for (const file of [...files].slice(0, most)) await upload(file);
  form.querySelector("#files").value = "";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  uploadAll(form.querySelector("#files").files);
});
for (const name of ["dragenter", "dragover"]) {
  form.addEventListener(name, (event) => { event.preventDefault(); form.classList.add("over"); });
}
form.addEventListener("dragleave", () => form.classList.remove("over"));
form.addEventListener("drop", (event) => {
  event.preventDefault();
  form.classList.remove("over");
  uploadAll(event.dataTransfer.files);
});
for (const item of list.querySelectorAll("[data-upload]")) {
  if (!over.has(item.dataset.state)) follow(item, item.dataset.upload);
}
