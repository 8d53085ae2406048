(() => {
  "use strict";
  const cards = () => document.querySelectorAll("details.requirement");
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let box = target; box; box = box.parentElement) if (box.tagName === "DETAILS") box.open = true;
    if (target) target.scrollIntoView();
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.all) for (const card of cards()) card.open = button.dataset.all === "open";
    if (!("copy" in button.dataset)) return;
    const source = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  for (const button of document.querySelectorAll("button[hidden]")) button.hidden = false;
  addEventListener("hashchange", reveal);
  reveal();
})();
