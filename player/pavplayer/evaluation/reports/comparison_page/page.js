"use strict";
(() => {
  // Slower than the three flashes a second that may harm.
  const BLINK_MS = 600;
  const pictures = [...document.querySelectorAll(".flip")];
  const flip = document.getElementById("flip");
  const blink = document.getElementById("blink");
  let timer = null;

  const show = (picture, original) => {
    picture.setAttribute("aria-pressed", String(original));
    picture.parentElement.querySelector("[data-flipped]").textContent = original ? "Original (flipped)" : "Encoded";
  };
  const showAll = (original) => {
    flip.setAttribute("aria-pressed", String(original));
    for (const picture of pictures) show(picture, original);
  };
  const isOn = (button) => button.getAttribute("aria-pressed") === "true";
  const setBlinking = (wanted) => {
    clearInterval(timer);
    timer = wanted ? setInterval(() => showAll(!isOn(flip)), BLINK_MS) : null;
    blink.setAttribute("aria-pressed", String(wanted));
    blink.textContent = wanted ? "Stop blinking" : "Blink";
    if (!wanted) showAll(false);
  };

  for (const picture of pictures) picture.addEventListener("click", () => show(picture, !isOn(picture)));
  flip.addEventListener("click", () => {
    const wanted = !isOn(flip);
    if (timer !== null) setBlinking(false);
    showAll(wanted);
  });
  blink.addEventListener("click", () => setBlinking(timer === null));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && timer !== null) setBlinking(false);
  });
  document.getElementById("boxes").addEventListener("change", (event) => {
    document.body.classList.toggle("without-boxes", !event.target.checked);
  });
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  calm.addEventListener("change", () => { if (calm.matches && timer !== null) setBlinking(false); });
})();
