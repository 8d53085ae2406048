(() => {
  "use strict";
  const form = document.querySelector("form.filters");
  if (!form) return;
  const tables = [...document.querySelectorAll("table.sifted")];
  const asBuilt = new Map(tables.map((table) => [table, [...table.tBodies[0].rows]]));
  const controls = [...form.elements].filter((control) => control.name);
  const status = form.querySelector("[role=status]");
  let sort = "";

  const value = (control) => (control.type === "checkbox" ? (control.checked ? "1" : "") : control.value);
  const state = () => {
    const found = new URLSearchParams();
    for (const control of controls) if (value(control)) found.set(control.name, value(control));
    if (sort) found.set("sort", sort);
    return String(found);
  };
  const load = () => {
    const found = new URLSearchParams(location.hash.startsWith("#?") ? location.hash.slice(2) : "");
    for (const control of controls) {
      const wanted = found.get(control.name) || "";
      if (control.type === "checkbox") control.checked = wanted === "1";
      else control.value = wanted;
      if (control.tagName === "SELECT" && control.selectedIndex < 0) control.value = "";
    }
    sort = found.get("sort") || "";
  };
  const key = (row, column) => {
    const cell = row.cells[column];
    const text = cell && (cell.dataset.rank ?? cell.dataset.key ?? cell.textContent.trim());
    return text === undefined || text === "" ? null : Number.isNaN(Number(text)) ? text : Number(text);
  };
  const before = (a, b) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  };
  const arrange = () => {
    const [place, column, direction] = sort.split(".");
    tables.forEach((table, i) => {
      const rows = [...asBuilt.get(table)];
      const chosen = String(i) === place;
      if (chosen) rows.sort((a, b) => before(key(a, column), key(b, column)) * (direction === "d" ? -1 : 1));
      table.tBodies[0].append(...rows);
      for (const button of table.querySelectorAll("button.sort")) {
        const head = button.closest("th");
        const mine = chosen && String(head.cellIndex) === column;
        head.setAttribute("aria-sort", mine ? (direction === "d" ? "descending" : "ascending") : "none");
        button.textContent = mine ? (direction === "d" ? "▼" : "▲") : "⇅";
      }
    });
  };
  const sift = () => {
    const wanted = Object.fromEntries(controls.map((control) => [control.name, value(control)]));
    document.body.dataset.entry = wanted.entry || "";
    let shown = 0, all = 0;
    for (const table of tables) for (const row of asBuilt.get(table)) {
      const seen = [...row.cells].filter((cell) => cell.dataset.rank !== undefined && (!wanted.entry || cell.classList.contains(wanted.entry)));
      const kept = (!wanted.differs || new Set(seen.map((cell) => cell.dataset.rank)).size > 1)
        && (!wanted.dimension || row.dataset.dimension === wanted.dimension)
        && (!wanted.severity || row.dataset.severity === wanted.severity)
        && (!wanted.basis || row.dataset.asked === "1")
        && (!wanted.challenge || row.dataset.challenge === wanted.challenge)
        && (!wanted.verdict || row.dataset.verdict === wanted.verdict)
        && (!wanted.entry || !row.dataset.entry || row.dataset.entry === wanted.entry)
        && (!wanted.text || row.textContent.toLowerCase().includes(wanted.text.toLowerCase()));
      row.hidden = !kept;
      shown += kept;
      all += 1;
    }
    status.textContent = `${shown} of ${all} ${status.dataset.what} shown`;
  };
  const store = () => {
    const wanted = state();
    history.replaceState(null, "", wanted ? `#?${wanted}` : location.pathname + location.search);
  };
  const show = () => { arrange(); sift(); };

  form.addEventListener("input", () => { sift(); store(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { sort = ""; show(); store(); }));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.sort");
    if (!button) return;
    const head = button.closest("th");
    const mine = `${tables.indexOf(head.closest("table"))}.${head.cellIndex}`;
    sort = sort === `${mine}.a` ? `${mine}.d` : sort === `${mine}.d` ? "" : `${mine}.a`;
    arrange();
    store();
  });
  addEventListener("hashchange", () => { if (!location.hash || location.hash.startsWith("#?")) { load(); show(); } });
  form.hidden = false;
  load();
  show();
})();
