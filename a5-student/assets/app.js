// A form that was sent says so, and is not sent again by a second click.
document.addEventListener("submit", (event) => {
  const button = event.target.querySelector("button[type=submit]");
  if (!button) return;
  setTimeout(() => {
    button.disabled = true;
    button.textContent = button.dataset.busy ?? "One moment…";
  });
});
// A page that comes back from the browser's memory is as it was before.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
