// The board's only script. Everything works without it; with it the queues move by themselves,
// Claim answers in place, and the theme can be chosen.
"use strict";

const root = document.documentElement;

function storedTheme() {
  try { return localStorage.getItem("earmark-theme"); } catch { return null; }
}

// Before the first paint, so that a dark page does not flash white.
if (storedTheme()) root.dataset.theme = storedTheme();

function switchTheme() {
  const isDark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  try { localStorage.setItem("earmark-theme", root.dataset.theme); } catch { /* a private window forgets */ }
}

// Makes `before` look like `after`, touching only what differs, so that focus, scroll and selection stay.
// Children that carry data-key are matched by it, the others by place. Returns nothing; new keys go to `born`.
function morph(before, after, born) {
  if (before.isEqualNode(after)) return;
  for (const { name } of [...before.attributes]) if (!after.hasAttribute(name)) before.removeAttribute(name);
  for (const { name, value } of after.attributes) if (before.getAttribute(name) !== value) before.setAttribute(name, value);
  const keyed = new Map([...before.children].filter((child) => child.dataset.key).map((child) => [child.dataset.key, child]));
  let place = before.firstChild;
  for (const wanted of [...after.childNodes]) {
    const key = wanted.dataset?.key;
    let node = key ? keyed.get(key) : place;
    if (!key && node?.dataset?.key) node = null;
    if (!node || node.nodeName !== wanted.nodeName) {
      const fresh = document.importNode(wanted, true);
      before.insertBefore(fresh, place);
      if (key) born.push(fresh);
      continue;
    }
    if (node === place) place = place.nextSibling;
    else before.insertBefore(node, place);
    if (node.nodeType === Node.ELEMENT_NODE) morph(node, wanted, born);
    else if (node.nodeValue !== wanted.nodeValue) node.nodeValue = wanted.nodeValue;
    keyed.delete(key);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function toast(message, isBad) {
  const box = document.getElementById("toast");
  box.textContent = message;
  box.toggleAttribute("data-bad", isBad);
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { box.textContent = ""; }, 6000);
}

class Live {
  constructor(region) {
    this.region = region;
    this.pulse = document.getElementById("pulse");
    this.news = document.getElementById("news");
    this.etag = "";
    this.unread = 0;
    this.failures = 0;
    this.isBusy = false;
  }

  start() {
    document.addEventListener("visibilitychange", () => this.refresh());
    setInterval(() => this.tell(), 10000);
    this.refresh();
  }

  async refresh() {
    if (document.hidden || this.isBusy) return;
    this.isBusy = true;
    clearTimeout(this.timer);
    try {
      await this.load();
      this.failures = 0;
      this.show("live", "Live");
    } catch {
      this.failures += 1;
      this.show("lost", "Connection lost, trying again");
    }
    this.isBusy = false;
    this.timer = setTimeout(() => this.refresh(), Math.min(1000 * 2 ** this.failures, 15000));
  }

  async load() {
    const headers = this.etag ? { "If-None-Match": this.etag } : {};
    const answer = await fetch(this.region.dataset.live, { headers, cache: "no-store", signal: AbortSignal.timeout(15000) });
    if (answer.status === 304) return;
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const after = this.region.cloneNode(false);
    after.append(...page.body.childNodes);
    const born = [];
    morph(this.region, after, born);
    this.etag = answer.headers.get("ETag") ?? "";
    this.welcome(born.filter((node) => node.matches(".card")));
  }

  welcome(cards) {
    this.unread += cards.length;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    for (const card of cards) card.animate([{ opacity: 0, translate: "0 -6px" }, { opacity: 1, translate: "0 0" }], { duration: 260, easing: "ease-out" });
  }

  // A screen reader hears of new work now and then, not every second.
  tell() {
    if (!this.unread) return;
    this.news.textContent = this.unread === 1 ? "1 new case" : `${this.unread} new cases`;
    this.unread = 0;
  }

  show(state, words) {
    if (this.pulse.dataset.state === state) return;
    this.pulse.dataset.state = state;
    this.pulse.textContent = words;
  }
}

async function press(form, live) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(new FormData(form)),
    });
    const { ok, message } = await answer.json();
    toast(message, !ok);
  } catch {
    toast("The board did not answer. Nothing was changed that it did not confirm; try again.", true);
  }
  button.disabled = false;
  const card = form.closest(".card");
  await live.refresh();
  // The button is gone once the case has an owner; the keyboard goes on from its card.
  if (document.activeElement === document.body) card?.querySelector("a")?.focus({ preventScroll: true });
}

document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.hidden = false;
    button.addEventListener("click", switchTheme);
  }
  const region = document.querySelector("[data-live]");
  if (!region) return;
  const live = new Live(region);
  live.start();
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-quick]")) return;
    event.preventDefault();
    press(event.target, live);
  });
});
