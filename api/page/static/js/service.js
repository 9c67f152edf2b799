// A service that goes away: say so, keep what was typed, ask again until it is back.
const PAUSE = 2000; // milliseconds

export function watchService() {
  const banner = document.getElementById("offline");
  let waiting = null;
  let missed = null;

  function away(event) {
    banner.hidden = false;
    missed = event.detail?.elt ?? missed;
    waiting ??= setInterval(look, PAUSE);
  }

  function back() {
    if (banner.hidden) return;
    banner.hidden = true;
    clearInterval(waiting);
    waiting = null;
    const again = missed;
    missed = null;
    if (again?.isConnected && again.matches("form, [data-again]")) {
      again.dispatchEvent(new CustomEvent("again", { bubbles: true }));
    }
  }

  async function look() {
    try {
      const answer = await fetch("/livez", { cache: "no-store" });
      if (answer.ok) back();
    } catch {
      // still away
    }
  }

  document.addEventListener("htmx:sendError", away);
  document.addEventListener("htmx:timeout", away);
  document.addEventListener("htmx:afterOnLoad", back);
}
