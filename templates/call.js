// Playback and search of the call report. No network, no storage; without it the page can still be read and played.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // --- playback: anything that carries data-ms plays its call from there -------------------------------------------
  // The worst call's picture and key moments are on the first page, its recording in its chapter.
  const chapterOf = (element) => {
    const own = element.closest(".call");
    return own?.dataset.of ? document.getElementById(own.dataset.of) : own;
  };
  const playerOf = (element) => chapterOf(element)?.querySelector("audio");

  const play = (element, ms) => {
    const player = playerOf(element);
    if (!player) return false;
    all("audio").forEach((other) => { if (other !== player) other.pause(); });
    player.currentTime = Math.min(ms / 1000, Number.isFinite(player.duration) ? player.duration : ms / 1000);
    player.play().catch(() => {}); // a browser may want a click on the player first; the place is set
    return true;
  };

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (String(window.getSelection()) && !event.target.closest("a")) return; // somebody selects text
    const marked = event.target.closest("[data-ms]");
    if (marked) {
      if (play(marked, Number(marked.dataset.ms))) event.preventDefault();
      return;
    }
    const chart = event.target.closest("svg[data-duration-ms]");
    if (chart) {
      const box = chart.getBoundingClientRect();
      const { left, right, durationMs } = chart.dataset;
      const x = ((event.clientX - box.left) / box.width) * chart.viewBox.baseVal.width;
      const share = (x - left) / (right - left);
      if (share >= 0 && share <= 1) play(chart, share * durationMs);
    }
  });

  all("audio").forEach((player) => {
    const chapter = chapterOf(player);
    const lines = all(".line [data-ms]", chapter).map((one) => [Number(one.dataset.ms), one.closest(".line")]);
    const heads = all("svg[data-duration-ms]").filter((chart) => chapterOf(chart) === chapter).map((chart) => {
      const head = document.createElementNS("http://www.w3.org/2000/svg", "line");
      head.setAttribute("class", "playhead");
      const { top, bottom } = chart.dataset;
      for (const [name, value] of [["y1", top - 4], ["y2", +bottom + 4], ["stroke", "#0b5563"], ["stroke-width", 1.5]]) head.setAttribute(name, value);
      return [chart, head];
    });
    let now = null;
    player.addEventListener("timeupdate", () => {
      const ms = player.currentTime * 1000;
      let line = null;
      for (const [start, one] of lines) if (start <= ms + 50) line = one;
      if (line !== now) {
        now?.removeAttribute("aria-current");
        line?.setAttribute("aria-current", "true");
        now = line;
      }
      for (const [chart, head] of heads) {
        if (!head.parentNode) chart.append(head);
        const { left, right, durationMs } = chart.dataset;
        const x = Number(left) + (right - left) * Math.min(ms / durationMs, 1);
        head.setAttribute("x1", x);
        head.setAttribute("x2", x);
      }
    });
  });
  document.documentElement.classList.toggle("playable", all("audio").length > 0);

  // --- search: a line is found when the query (find.js) holds for a sentence in it; hits are counted, stepped through, and
  // may be all that is shown
  const form = document.querySelector(".find");
  if (!form) return;
  form.hidden = false;
  const box = form.querySelector("input[type=search]");
  const only = form.querySelector("input[type=checkbox]");
  const count = form.querySelector("output");
  const names = JSON.parse(form.dataset.names ?? "{}");
  const tagsIn = (text) => [...text.matchAll(/\[([^\]]+)\]/g)].map((match) => names[match[1].toLowerCase()]).filter(Boolean);
  const sentence = (element) => ({
    text: element.textContent.normalize("NFKC").toLowerCase(),
    marks: new Set(element.dataset.marks?.split(" ") ?? tagsIn(element.textContent)),
  });
  const lines = all(".line").map((line) => {
    const said = all(".said", line);
    return [line, (said.length ? said : [line]).map(sentence)];
  });
  // Here and not in call.css: what prints the PDF does not know this selector.
  if (window.Highlight) document.styleSheets[0].insertRule("::highlight(found) { background: #ffd54a; color: #1f2933; }");
  let hits = [];
  let at = -1;

  const say = () => {
    count.textContent = box.value.trim() ? (hits.length ? `${at + 1} / ${hits.length}` : form.dataset.none) : "";
  };
  const step = (by) => {
    if (!hits.length) return;
    hits[at]?.classList.remove("current");
    at = (at + by + hits.length) % hits.length;
    hits[at].classList.add("current");
    hits[at].scrollIntoView({ block: "center" });
    say();
  };
  const paint = (shown) => {
    if (!window.Highlight || !CSS.highlights) return;
    const ranges = [];
    for (const line of hits) {
      const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        for (const match of walker.currentNode.data.matchAll(shown)) {
          const range = new Range();
          range.setStart(walker.currentNode, match.index);
          range.setEnd(walker.currentNode, match.index + match[0].length);
          ranges.push(range);
        }
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  };
  const search = () => {
    const query = readQuery(box.value, names);
    hits[at]?.classList.remove("current");
    hits = [];
    at = -1;
    for (const [line, sentences] of lines) {
      const hit = query !== null && sentences.some(query.holds);
      line.classList.toggle("hit", hit);
      line.classList.toggle("miss", query !== null && !hit && only.checked);
      if (hit) hits.push(line);
    }
    paint(query?.shown ?? /(?!)/g);
    if (hits.length) step(1);
    say();
  };

  box.addEventListener("input", search);
  only.addEventListener("change", search);
  form.addEventListener("submit", (event) => event.preventDefault());
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); step(event.shiftKey ? -1 : 1); }
    if (event.key === "Escape") { box.value = ""; search(); }
  });
  form.querySelector(".next").addEventListener("click", () => step(1));
  form.querySelector(".previous").addEventListener("click", () => step(-1));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input, textarea")) { event.preventDefault(); box.focus(); }
  });
  const asked = decodeURIComponent(location.hash).match(/^#find=(.+)$/); // a link to a search: report.html#find=ANGRY
  if (asked) { box.value = asked[1]; search(); }
})();
