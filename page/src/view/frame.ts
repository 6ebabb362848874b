// Drawing at most once in each frame of the browser, however often something changes.

/** Returns a function that has `draw` called before the next frame is shown. */
export function oncePerFrame(draw: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      draw();
    });
  };
}
