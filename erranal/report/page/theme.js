// Before anything is drawn: the theme asked for in the address, then the one chosen earlier.
const asked = /[?#&]theme=(light|dark)\b/.exec(location.search + location.hash);
let theme = asked ? asked[1] : null;
try {
  theme = theme || localStorage.getItem("erranal-theme");
} catch {
  // Some browsers keep nothing for pages opened from a file.
}
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
