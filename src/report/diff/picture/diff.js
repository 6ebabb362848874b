"use strict";
(() => {
  const WIDTH = 1200;
  const CELL = 7.3;
  const LEAST_NAME = 4;
  const frames = [...document.querySelectorAll(".frame")].map((element) => ({
    element,
    graph: element.parentElement,
    x: Number(element.dataset.x),
    width: Number(element.dataset.w),
    y: Number(element.querySelector("rect").getAttribute("y")),
  }));

  function draw(frame, x, width) {
    frame.element.style.display = width < 0.3 ? "none" : "";
    if (width < 0.3) return;
    for (const rect of frame.element.querySelectorAll("rect")) {
      rect.setAttribute("x", x);
      rect.setAttribute("width", width);
    }
    const text = frame.element.querySelector("text");
    const name = text.dataset.name;
    const room = Math.floor((width - 6) / CELL);
    text.setAttribute("x", x + 3);
    text.textContent =
      room < LEAST_NAME ? "" : name.length <= room ? name : name.slice(0, room - 1) + "\u2026";
  }

  function zoom(to) {
    const end = to.x + to.width;
    for (const frame of frames) {
      const isHere = frame.graph === to.graph;
      const isCaller =
        isHere && frame.y < to.y && frame.x <= to.x + 0.01 && frame.x + frame.width >= end - 0.01;
      frame.element.classList.toggle("above", isCaller);
      if (isCaller) {
        draw(frame, 0, WIDTH);
        continue;
      }
      const left = Math.max(frame.x, to.x);
      const right = Math.min(frame.x + frame.width, end);
      const scale = WIDTH / to.width;
      const isBelow = isHere && frame.y >= to.y;
      draw(frame, (left - to.x) * scale, isBelow ? (right - left) * scale : 0);
    }
  }

  function back() {
    for (const frame of frames) {
      frame.element.classList.remove("above");
      draw(frame, frame.x, frame.width);
    }
  }

  for (const frame of frames) {
    frame.element.addEventListener("click", () => zoom(frame));
  }
  document.getElementById("back").addEventListener("click", back);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") back();
  });
})();
