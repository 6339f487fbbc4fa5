// Counts calls to action, takes complaints and sends the lead form. Each message has its own idempotency key and joins the trace in which
// the page was sent; nothing about the visitor is added. Messages outlive the page, so that a click is not lost on its way.
(() => {
  const hex = (bytes) => Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (b) => b.toString(16).padStart(2, "0")).join("");
  const trace = document.documentElement.dataset.traceId || hex(16);
  const send = (path, body) => fetch(path, {
    method: "POST",
    keepalive: true,
    headers: {
      "content-type": "application/json",
      "x-idempotency-key": hex(16),
      "traceparent": `00-${trace}-${hex(8)}-01`,
      "x-trace-id": trace,
    },
    body: JSON.stringify(body),
  });

  const cta = document.querySelector("[data-cta]");
  if (cta) {
    const slug = cta.dataset.cta;
    new IntersectionObserver((entries, observer) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        observer.disconnect();
        send("/api/cta", { slug, kind: "impression" }).catch(() => {});
      }
    }).observe(cta);
    const clicked = () => { send("/api/cta", { slug, kind: "click" }).catch(() => {}); };
    cta.addEventListener("click", clicked);
    cta.addEventListener("auxclick", (event) => { if (event.button === 1) clicked(); });
  }

  const complain = document.getElementById("complain");
  if (complain) {
    complain.hidden = false;
    complain.addEventListener("click", () => {
      complain.disabled = true;
      const status = document.getElementById("complain-status");
      send("/api/cta", { slug: complain.dataset.slug, kind: "complaint" })
        .then((answer) => { status.textContent = answer.ok ? "Thank you. We will look at it." : "That did not work."; })
        .catch(() => { status.textContent = "No connection. Try again in a moment."; complain.disabled = false; });
    });
  }

  const form = document.getElementById("lead-form");
  if (form) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const status = document.getElementById("lead-status");
      const button = form.querySelector("button");
      button.disabled = true;
      status.textContent = "Sending…";
      try {
        const answer = await send("/api/leads", { email: form.email.value, slug: form.dataset.slug });
        if (answer.status >= 500) send("/api/cta", { slug: form.dataset.slug, kind: "error" }).catch(() => {});
        status.textContent = answer.ok ? "Thank you. You will hear from us." : "That did not work. Check the address and try again.";
        if (answer.ok) form.reset();
      } catch {
        status.textContent = "No connection. Try again in a moment.";
      }
      button.disabled = false;
    });
  }
})();
