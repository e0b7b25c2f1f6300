// Runs before the first paint, as a classic script: puts the remembered theme
// and language on <html>, so that neither flashes. Knows nothing else; the
// toggles live in theme.js and i18n.js and use the same storage keys.
(() => {
  const remembered = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const spanish = (navigator.language || "en").toLowerCase().startsWith("es");
  document.documentElement.dataset.theme = remembered("vade.theme") || (dark ? "dark" : "light");
  document.documentElement.lang = remembered("vade.language") || (spanish ? "es" : "en");
})();
