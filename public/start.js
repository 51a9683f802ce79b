// Brings the page to life. A file of its own, because the content security policy allows no script within the document.
import start, { hydrate } from "./gangway-app.js";

await start();
hydrate();
