// Niceties only: the page says all it says without them.
for (const box of document.querySelectorAll(".cmd")) {
  const button = document.createElement("button");
  button.className = "copy";
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try { await navigator.clipboard.writeText(box.querySelector("pre").textContent); button.textContent = "Copied"; }
    catch { button.textContent = "Press Ctrl+C"; getSelection().selectAllChildren(box.querySelector("pre")); }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  box.append(button);
}
const reveal = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && target.closest("details");
  if (folded && !folded.open) { folded.open = true; target.scrollIntoView(); }
};
addEventListener("hashchange", reveal);
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
reveal();
