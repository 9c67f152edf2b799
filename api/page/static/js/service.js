// A service that goes away: say so, keep what was typed, ask again until it is back.
const PAUSE = 2000; // milliseconds
const PATIENCE = 10000; // milliseconds, for an answer that the service is there

export function watchService() {
  const banner = document.getElementById("offline");
  let waiting = null;
  let missed = null;
  let held = null; // a form on its way, with the button that sends it
  let passes = false;

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
    send();
    if (again?.isConnected && again.matches("form, [data-again]")) {
      again.dispatchEvent(new CustomEvent("again", { bubbles: true }));
    }
  }

  async function answers() {
    try {
      return (await fetch("/livez", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) })).ok;
    } catch {
      return false;
    }
  }

  async function look() {
    if (await answers()) back();
  }

  // A form leaves the page only for a service that is there: else what was typed would be lost.
  async function hold(event) {
    if (passes) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (held) return;
    held = { form: event.target, button: event.submitter };
    if (await answers()) send();
    else away(event);
  }

  function send() {
    const { form, button } = held ?? {};
    held = null;
    if (!form?.isConnected) return;
    passes = true;
    form.requestSubmit(button?.isConnected ? button : null);
    passes = false;
  }

  document.addEventListener("submit", hold, true);

  document.addEventListener("htmx:sendError", away);
  document.addEventListener("htmx:timeout", away);
  document.addEventListener("htmx:afterOnLoad", back);
}
