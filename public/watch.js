// Stands in the document before everything else, and says so when the page does not come to life: a file of it did not arrive
// or is of another version, or the browser does not run it. A page that was open while the server was upgraded finds its files
// gone, so it loads itself anew, once, unless somebody has typed into it.
const RELOADED = "reloaded";
const isAlive = () => document.documentElement.hasAttribute("data-alive");
const isFilledIn = () => [...document.querySelectorAll("main input")].some((field) => field.value !== field.defaultValue);

// A browser that keeps nothing for a page does not reload by itself, or it would do so for ever.
function mayReload() {
  try {
    // Not the fragment, which may hold a token or a code.
    const page = location.pathname + location.search;
    if (isAlive() || isFilledIn() || sessionStorage.getItem(RELOADED) === page) return false;
    sessionStorage.setItem(RELOADED, page);
    return true;
  } catch {
    return false;
  }
}

function show() {
  document.getElementById("lifeless")?.removeAttribute("hidden");
}

// A link to the page would lose the fragment.
addEventListener("click", (event) => {
  if (!(event.target instanceof Element && event.target.closest("#lifeless a"))) return;
  event.preventDefault();
  location.reload();
});

// Going back shows a document as it was, also after its member was signed out elsewhere.
addEventListener("pageshow", async ({ persisted }) => {
  const [navigation] = performance.getEntriesByType("navigation");
  if (!(persisted || navigation?.type === "back_forward") || !document.querySelector(".avatar")) return;
  const { status } = await fetch("/api/v1/account");
  if (status === 401) location.reload();
});

function fail() {
  if (mayReload()) location.reload();
  else if (document.readyState === "loading") addEventListener("DOMContentLoaded", show);
  else show();
}

// Code that could not be fetched, is none, does not fit to the rest, or gave up.
const isOfCode = (error) => [TypeError, SyntaxError, WebAssembly.CompileError, WebAssembly.LinkError, WebAssembly.RuntimeError].some((kind) => error instanceof kind);
addEventListener("unhandledrejection", ({ reason }) => { if (isOfCode(reason)) fail(); });
// The same where nobody waits for it, and a script, module or style sheet that could not be loaded.
addEventListener("error", ({ error, target }) => {
  if (isOfCode(error) || (target instanceof HTMLElement && target.closest("head"))) fail();
}, true);
if (typeof WebAssembly !== "object") addEventListener("DOMContentLoaded", show);
// A page that lives may reload by itself again when the next upgrade comes.
new MutationObserver((_, observer) => {
  if (!isAlive()) return;
  observer.disconnect();
  try { sessionStorage.removeItem(RELOADED); } catch { /* nothing was kept */ }
}).observe(document.documentElement, { attributes: true, attributeFilter: ["data-alive"] });
