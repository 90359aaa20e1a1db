// Before anything is painted: the colours that the reader has chosen on an earlier visit.
try {
  const theme = localStorage.getItem("simpletuner.theme");
  if (theme === "light" || theme === "dark") {
    document.documentElement.dataset.theme = theme;
  }
} catch {
  // a browser that keeps nothing: the system's colours
}
