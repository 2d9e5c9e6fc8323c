// The rule editor: CodeMirror over the form's textarea. Without this script the form works, too.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { defaultHighlightStyle, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, linter } from "@codemirror/lint";
import { MergeView } from "@codemirror/merge";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { complete } from "./schema/completion.js";

const form = document.getElementById("editor");
const area = document.getElementById("text");
const panel = document.getElementById("panel");
const state = document.getElementById("draft-state");
const words = JSON.parse(document.getElementById("words").textContent);
const base = JSON.parse(document.getElementById("base").textContent);
const { file, kind, nonce } = form.dataset;
const json = { "content-type": "application/json" };

async function marks(view) {
  const answer = await fetch("/api/v1/rules/lint", {
    method: "POST", headers: json, body: JSON.stringify({ files: { [file]: view.state.doc.toString() } }),
  });
  if (!answer.ok) return [];
  const { doc } = view.state;
  return (await answer.json()).problems.filter((found) => found.file === file && found.line).map((found) => {
    const line = doc.line(Math.min(found.line, doc.lines));
    const from = Math.min(line.from + Math.max(found.column, 1) - 1, line.to);
    return { from, to: line.to, severity: found.severity, message: found.text, source: found.code ?? undefined };
  });
}

const view = new EditorView({
  doc: area.value,
  extensions: [
    EditorView.cspNonce.of(nonce), EditorState.phrases.of(words.phrases),
    lineNumbers(), foldGutter(), lintGutter(), history(), drawSelection(), indentOnInput(), indentUnit.of("  "),
    syntaxHighlighting(defaultHighlightStyle), highlightActiveLine(), highlightSelectionMatches(), closeBrackets(),
    EditorState.tabSize.of(2), EditorView.lineWrapping, yaml(),
    autocompletion({ override: [(context) => complete(context, kind)] }),
    linter(marks, { delay: 250 }),
    keymap.of([
      ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap,
      ...lintKeymap, indentWithTab, // Esc, then Tab, leaves: CodeMirror lets the next Tab through
    ]),
    EditorView.updateListener.of((update) => { if (update.docChanged) outdateNeeds(); }),
    EditorView.contentAttributes.of({ "aria-label": words.label, "aria-describedby": "draft-state", lang: "zh", tabindex: "0" }),
  ],
});
form.classList.add("scripted");
area.after(view.dom);

// What is still needed before the text can be published: of the text that was sent last.
function showNeeds(page) {
  const now = page.getElementById("needs");
  if (now) document.getElementById("needs")?.replaceWith(now);
}
function outdateNeeds() {
  document.querySelector("#needs .needs")?.classList.add("old");
  document.getElementById("needs")?.classList.remove("nothing");
  document.getElementById("needs-old")?.removeAttribute("hidden");
}

const text = () => view.state.doc.toString();

let saved = area.value;
async function save() {
  const now = text();
  if (now === saved) return;
  state.textContent = words.saving;
  try {
    const answer = await fetch(`/api/v1/rules/drafts/${encodeURI(file)}`, {
      method: "PUT", headers: json, body: JSON.stringify({ text: now }), keepalive: now.length < 30000,
    });
    if (answer.status === 401) {
      state.textContent = words.ended; // the text stays here, and is kept once somebody is logged in again
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    saved = now;
    state.textContent = words.saved;
  } catch {
    state.textContent = words.lost;
  }
}
setInterval(save, 5000);
document.addEventListener("visibilitychange", () => { if (document.hidden) save(); });
window.addEventListener("beforeunload", (event) => { if (!leaving && text() !== saved) event.preventDefault(); });
let leaving = false;

function showDifference() {
  const heading = document.createElement("h2");
  heading.textContent = `${words.file} → ${words.draft}`;
  panel.replaceChildren(heading);
  const shown = [
    EditorView.cspNonce.of(nonce), EditorState.phrases.of(words.phrases), EditorState.readOnly.of(true), EditorView.editable.of(false), yaml(),
    EditorView.lineWrapping, syntaxHighlighting(defaultHighlightStyle),
  ];
  new MergeView({
    a: { doc: base, extensions: [...shown, EditorView.contentAttributes.of({ "aria-label": words.file, tabindex: "0" })] },
    b: { doc: text(), extensions: [...shown, EditorView.contentAttributes.of({ "aria-label": words.draft, tabindex: "0" })] },
    parent: panel, collapseUnchanged: { margin: 2 },
  });
}

// What changes nothing is asked for aside: its answer takes the panel's place, the editor keeps its undo and cursor.
const aside = new Set(["check", "test", "explain", "replay", "stop"]);
form.addEventListener("submit", async (event) => {
  area.value = text();
  const action = event.submitter?.value;
  if (action === "diff") {
    event.preventDefault();
    showDifference();
    return;
  }
  if (!aside.has(action)) {
    leaving = true;
    return;
  }
  event.preventDefault();
  for (const earlier of document.querySelectorAll("main > .problem")) earlier.remove(); // it was about another try
  panel.setAttribute("aria-busy", "true");
  panel.textContent = words.working;
  try {
    const body = new URLSearchParams(new FormData(form, event.submitter));
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body });
    if (answer.redirected) { // to the log-in page
      panel.textContent = state.textContent = words.ended;
      panel.removeAttribute("aria-busy");
      panel.focus();
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const problem = page.querySelector(".problem");
    panel.replaceChildren(...(problem ? [problem] : []), ...(page.getElementById("panel")?.childNodes ?? []));
    showNeeds(page);
    saved = area.value;
    state.textContent = words.saved;
    follow();
  } catch {
    panel.textContent = words.lost;
  }
  panel.removeAttribute("aria-busy");
  panel.focus();
});

// A replay goes on by itself: while one does, the page asks how far it is, and shows what came of it.
let following = 0;
function follow() {
  clearTimeout(following);
  if (panel.querySelector("progress")) following = setTimeout(ask, 2000);
}
async function ask() {
  try {
    const answer = await fetch(`${form.getAttribute("action")}?tab=replay`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [shown, now] = [panel, page].map((place) => place.querySelector("progress"));
    if (!shown) return; // another answer took its place
    if (now) {
      shown.value = now.value;
      panel.querySelector("#replay-state").textContent = page.getElementById("replay-state").textContent;
    } else if (page.getElementById("panel")) {
      panel.replaceChildren(...page.getElementById("panel").childNodes);
      showNeeds(page);
      state.textContent = words.replayed;
    }
  } catch { /* asked again below */ }
  follow();
}
follow();

// A place that a check names leads to its line.
panel.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-line]");
  if (!link || link.dataset.file !== file || !link.dataset.line) return;
  event.preventDefault();
  const line = view.state.doc.line(Math.min(Number(link.dataset.line), view.state.doc.lines));
  view.dispatch({ selection: { anchor: line.from }, effects: EditorView.scrollIntoView(line.from, { y: "center" }) });
  view.focus();
});
