/** Light or dark before the first paint: what was chosen here, or else what the system has. */

{
  const KEY = "ghostnote-theme";
  try {
    const chosen = localStorage.getItem(KEY);
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage can be forbidden; the system's colours will do.
  }
}
