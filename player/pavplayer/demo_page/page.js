"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const total = data.prefixes[data.prefixes.length - 1].received_bytes;
  const slider = byId("bytes");

  const shownBytes = (count) =>
    count >= 1e6 ? (count / 1e6).toFixed(2) + " MB" : (count / 1e3).toFixed(1) + " kB";

  const showPrefix = () => {
    const stop = Number(slider.value);
    const prefix = data.prefixes[stop];
    const expression = document.querySelector("input[name=expression]:checked").value;
    byId("prefix").src = prefix.pictures[expression];
    const share = (100 * prefix.received_bytes / total).toPrecision(3);
    byId("received").textContent = shownBytes(prefix.received_bytes) + ", " + Number(share) + " %";
    byId("gaussians").textContent = prefix.gaussian_count.toLocaleString("en");
    byId("psnr").textContent = prefix.decibels === null ? "identical" : prefix.decibels.toFixed(1) + " dB";
    for (const field of document.querySelectorAll("[data-link]")) {
      field.textContent = prefix.seconds[field.dataset.link].toFixed(2) + " s";
    }
    byId("cursor").style.left = 100 * data.positions[stop] + "%";
  };
  slider.addEventListener("input", showPrefix);
  for (const choice of document.querySelectorAll("input[name=expression]")) {
    choice.addEventListener("change", showPrefix);
  }
  showPrefix();

  const pictures = document.querySelectorAll(".stages img");
  const scrub = byId("scrub");
  const play = byId("play");
  const frameCount = Number(scrub.max) + 1;
  let playing = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  let origin = performance.now();
  let shown = -1;

  const decoded = data.stages.map((frames) => frames.map((source) => {
    const image = new Image();
    image.src = source;
    return image;
  }));
  const showFrame = (frame) => {
    if (frame === shown) return;
    shown = frame;
    pictures.forEach((picture, stage) => { picture.src = decoded[stage][frame].src; });
    scrub.value = String(frame);
  };
  const setPlaying = (wanted) => {
    playing = wanted;
    play.classList.toggle("paused", !playing);
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
    origin = performance.now() - 1000 * Number(scrub.value) / data.framesPerSecond;
  };
  const tick = (now) => {
    if (playing) showFrame(Math.floor(Math.max(0, now - origin) * data.framesPerSecond / 1000) % frameCount);
    requestAnimationFrame(tick);
  };
  play.addEventListener("click", () => setPlaying(!playing));
  scrub.addEventListener("input", () => { setPlaying(false); showFrame(Number(scrub.value)); });
  setPlaying(playing);
  requestAnimationFrame(tick);
})();
