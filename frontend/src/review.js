// The whole text of a call, with its marks, for the clipboard; where a page may not write there, it is chosen.
const copy = document.getElementById("copy");
if (copy) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    const said = document.querySelector("ol.transcript");
    const parts = (line) => [...line.children].map((part) => part.textContent.trim()).join(" ");
    try {
      await navigator.clipboard.writeText([...said.children].map(parts).join("\n"));
      copy.textContent = copy.dataset.done;
    } catch {
      getSelection().selectAllChildren(said);
      copy.textContent = copy.dataset.chosen;
    }
  });
}

// Keys of the review queue: 1, 2, 3 give the verdict, n goes on. They can be switched off; the buttons work without.
const label = document.getElementById("keys");
if (label) {
  const box = label.querySelector("input");
  box.checked = localStorage.getItem("review-keys") !== "off";
  box.addEventListener("change", () => localStorage.setItem("review-keys", box.checked ? "on" : "off"));
  label.hidden = false;
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select, audio");
    if (!box.checked || typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const target = document.querySelector(`#item [data-key="${CSS.escape(event.key)}"]`);
    if (target) {
      event.preventDefault();
      target.click();
    }
  });
}
