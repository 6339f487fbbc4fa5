// Enhancements only: the page is complete without them.
(() => {
  "use strict";
  const root = document.documentElement;
  const stored = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
  if (stored === "light" || stored === "dark") root.dataset.theme = stored;

  const isDark = () => root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;

  function themeToggle() {
    const button = document.querySelector("[data-theme-toggle]");
    const show = () => { button.textContent = isDark() ? "Light" : "Dark"; button.setAttribute("aria-label", `Switch to ${isDark() ? "light" : "dark"} colours`); };
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try { localStorage.setItem("theme", root.dataset.theme); } catch { /* kept for this page only */ }
      show();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
    show();
  }

  const words = (name) => name.replaceAll("_", " ");

  function item(event) {
    const part = (tag, className, text) => {
      const element = document.createElement(tag);
      element.className = className;
      element.textContent = text;
      return element;
    };
    const link = document.createElement("a");
    link.href = `/lineage?trace_id=${encodeURIComponent(event.trace_id)}`;
    link.append(
      part("span", "id", event.app_id), " ", part("span", "what", words(event.event)), " ",
      part("span", event.status >= 500 ? "status bad" : "status", event.status),
      part("span", "where", event.route), part("time", "", event.timestamp.slice(11, 19)),
    );
    const row = document.createElement("li");
    row.className = "fresh";
    row.append(link);
    return row;
  }

  function liveFeed() {
    const feed = document.querySelector("[data-feed]");
    if (!feed || !window.EventSource) return;
    const list = feed.querySelector("[data-feed-list]");
    const status = feed.querySelector("[data-feed-status]");
    const pause = feed.querySelector("[data-feed-pause]");
    const longest = 9;
    let waiting = [], seen = 0, said = 0, paused = false, over = false, connected = false;
    const query = new URLSearchParams({ namespace: feed.dataset.namespace, after: feed.dataset.after });
    const source = new EventSource(`/api/stream?${query}`);
    source.onopen = () => { connected = true; status.textContent = "Connected. The newest first."; };
    source.onerror = () => { connected = false; status.textContent = "Connection lost, trying again."; };
    source.onmessage = (message) => {
      const { event } = JSON.parse(message.data);
      if (event.event === "route_snapshot") return;
      seen += 1;
      waiting.push(event);
      if (waiting.length > longest) waiting = waiting.slice(-longest);
    };
    pause.hidden = false;
    pause.addEventListener("click", () => {
      paused = !paused;
      pause.setAttribute("aria-pressed", String(paused));
      pause.textContent = paused ? "Resume" : "Pause";
    });
    list.addEventListener("pointerenter", () => { over = true; });
    list.addEventListener("pointerleave", () => { over = false; });
    setInterval(() => {
      if (paused || over || list.contains(document.activeElement) || waiting.length === 0) return;
      list.querySelector(".empty")?.remove();
      for (const event of waiting.splice(0)) list.prepend(item(event));
      while (list.children.length > longest) list.lastElementChild.remove();
    }, 400);
    setInterval(() => {
      if (!connected || seen === said) return;
      said = seen;
      status.textContent = `${seen.toLocaleString("en")} since you opened this page`;
    }, 5000);
  }

  function refresh() {
    const places = () => document.querySelectorAll("[data-refresh]");
    if (places().length === 0) return;
    setInterval(async () => {
      if (document.hidden) return;
      try {
        const response = await fetch(location.href, { headers: { accept: "text/html" } });
        if (!response.ok) return;
        const next = new DOMParser().parseFromString(await response.text(), "text/html");
        for (const place of places()) {
          const fresh = next.querySelector(`[data-refresh="${place.dataset.refresh}"]`);
          if (fresh && !place.contains(document.activeElement)) place.replaceWith(fresh);
        }
      } catch { /* the next round tries again */ }
    }, 5000);
  }

  document.addEventListener("DOMContentLoaded", () => { themeToggle(); liveFeed(); refresh(); });
})();
