// A picture to paint on: the body of `js_on_load` of one `gr.HTML`, which lends `element`, `props`, `trigger`, `watch`.
//
// In:  props.value = {photo, layer, size: [width, height], of, taps}: two files, the second above the first or null;
//      another `of` is another photo; where it `taps`, a tap means something without a pen.
//      Before this stand TEXTS = {en: {...}, ko: {...}} and PENS = ["paint", "erase"], or colors as "#rrggbb".
// Out: the event "input" with {strokes: [{pen, width, points: [[x, y], ...]}]}, all in shares of the picture: x and
//      `width` of its width, y of its height; outside of 0 to 1 they lie beside it. The server answers with a new layer.
const words = TEXTS[navigator.language.slice(0, 2)] ?? TEXTS.en;
const keys = words.keys + (PENS[0] === "paint" ? words.enter : "");
// Under a finger the picture scrolls with the page, until a pen is chosen; the first touch offers one.
const isTouched = matchMedia("(pointer: coarse)").matches;
const offered = isTouched ? ["move", ...PENS] : PENS;
element.innerHTML = `<div class="painter ${isTouched ? "touched" : ""}">
  <div class="frame"><div class="sheet" tabindex="0" role="application"><div class="picture">
    <img class="photo" alt="" draggable="false"><img class="layer" alt="" draggable="false"><canvas></canvas><i class="cursor" hidden></i>
  </div></div><button class="offer" hidden>${words.offer}</button></div>
  <div class="pens"><span class="choices" role="radiogroup"></span>
    <label><span>${words.width}</span><input class="width" type="range" min="4" max="80" value="20"></label>
    <label class="zoom"><span>${words.zoom}</span><input type="range" min="1" max="8" step="any" value="1"></label>
  </div>
  <p class="keys">${keys}</p></div>`;
const root = element.firstElementChild;
const [frame, sheet, picture, photo, layer, canvas, cursor, offer, choices, width, zoom] =
  ["frame", "sheet", "picture", "photo", "layer", "canvas", "cursor", "offer", "choices", "width", "zoom input"].map((name) =>
    root.querySelector(name === "canvas" ? name : `.${name}`));
sheet.ariaLabel = `${words.label}. ${keys}`;
choices.ariaLabel = words.pen;
const group = Math.random().toString(36);
choices.innerHTML = offered.map((pen, i) => `<label class="pen" title="${words[pen] ?? pen}">
  <input type="radio" name="${group}" value="${pen}" ${i ? "" : "checked"} aria-label="${words[pen] ?? pen}">
  ${pen.startsWith("#") ? `<b style="background:${pen}"></b>` : `<span>${words[pen]}</span>`}</label>`).join("") +
  (PENS[0].startsWith("#") ? `<label class="pen" title="${words.other}"><input type="color" aria-label="${words.other}" value="#808080"></label>` : "");
const other = choices.querySelector("input[type=color]");
other?.addEventListener("input", () => { choices.querySelector("input:checked").checked = false; });
const pen = () => choices.querySelector("input:checked")?.value ?? other.value;
const isMoving = () => pen() === "move";
const grip = () => { sheet.style.touchAction = isMoving() ? "auto" : ""; };
choices.addEventListener("input", grip);
grip();
offer.addEventListener("click", () => choices.querySelectorAll("input")[1].click());
choices.addEventListener("input", () => offer.remove(), { once: true });

let subject, stroke = null, unsent = [], sent = [], patience, at = [0.5, 0.5], aim = at;

const draw = () => {
  const context = canvas.getContext("2d"), [w, h] = [canvas.width, canvas.height];
  context.clearRect(0, 0, w, h);
  context.lineCap = context.lineJoin = "round";
  for (const { pen, width, points } of [...sent, ...unsent, ...(stroke ? [stroke] : [])]) {
    context.strokeStyle = { paint: "#ff3366", erase: "#ffffff", move: "#0000" }[pen] ?? pen;
    context.lineWidth = width * w;
    context.beginPath();
    points.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](x * w, y * h));
    context.lineTo(points.at(-1)[0] * w, points.at(-1)[1] * h + 0.01); // else a dot would draw nothing
    context.stroke();
  }
};
const point = () => {
  const diameter = Number(width.value);
  cursor.style.cssText = `width:${diameter}px;height:${diameter}px;left:${100 * at[0]}%;top:${100 * at[1]}%`;
};
// One message at a time, so that strokes arrive in their order; the next takes along what was painted meanwhile.
const send = () => {
  if (sent.length || !unsent.length) return;
  [sent, unsent] = [unsent, []];
  patience = setTimeout(answered, 20000);
  trigger("input", { strokes: sent });
};
const answered = async () => {
  clearTimeout(patience);
  await Promise.all([photo, layer].map((image) => image.decode().catch(() => {}))); // so that nothing flickers
  sent = [];
  draw();
  send();
};
const begin = () => {
  if (isMoving() && !props.value.taps) return;
  stroke = { pen: pen(), width: Number(width.value) / picture.clientWidth, points: [at] };
  root.dataset.touched = true;
  aim = at;
  draw();
};
const end = () => {
  if (stroke) unsent.push(stroke);
  stroke = null;
  draw();
  send();
};
const follow = (event) => {
  const box = picture.getBoundingClientRect();
  at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  cursor.hidden = isMoving();
  point();
  if (stroke) stroke.points.push(at), draw();
};
sheet.addEventListener("pointerdown", (event) => {
  if (!event.isPrimary || event.button) return;
  if (isMoving()) {
    offer.hidden = props.value.taps;
    const y = event.clientY - frame.getBoundingClientRect().top;
    offer.style.top = `${y > 90 ? y - 60 : y + 60}px`; // beside the finger: the same tap is not to press it
  } else sheet.setPointerCapture(event.pointerId);
  follow(event);
  begin();
});
sheet.addEventListener("pointermove", (event) => event.isPrimary && follow(event));
sheet.addEventListener("pointerup", (event) => event.isPrimary && end());
sheet.addEventListener("pointercancel", () => { stroke = null; draw(); }); // two fingers: the browser zooms the page
sheet.addEventListener("pointerleave", () => { cursor.hidden = true; });
sheet.addEventListener("blur", () => { cursor.hidden = true; end(); });
sheet.addEventListener("keydown", (event) => {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (way) {
    const step = event.shiftKey ? 2 : Math.max(4, width.value / 2);
    const box = [picture.clientWidth, picture.clientHeight];
    root.dataset.touched = true;
    aim = at = at.map((share, i) => Math.min(1, Math.max(0, share + (way[i] * step) / box[i])));
    point();
    cursor.hidden = false;
    cursor.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (stroke) stroke.points.push(at), draw();
  } else if (event.key === " ") stroke ? end() : begin();
  else if (event.key === "Enter") end();
  else if (event.key === "Escape") stroke = null, draw();
  else if (event.key === "z" && (event.ctrlKey || event.metaKey)) trigger("undo");
  else return;
  event.preventDefault();
});
width.addEventListener("input", () => { point(); cursor.hidden = false; });

// Without zoom the picture fits in its frame, so that the mouse wheel scrolls the page. What was pointed at last stays
// in its place on the screen; where that is out of sight, the middle of the frame does.
const fit = () => {
  const [w, h] = props.value?.size ?? [1, 1];
  const margin = 2 * parseFloat(getComputedStyle(sheet).paddingTop); // where strokes may begin
  const room = [root.clientWidth, parseFloat(getComputedStyle(frame).maxHeight)].map((side) => side - margin);
  const [before, seen] = [picture, frame].map((part) => part.getBoundingClientRect());
  picture.style.width = `${Math.floor(zoom.value * Math.min(room[0], (room[1] * w) / h))}px`;
  picture.style.aspectRatio = `${w} / ${h}`;
  const after = picture.getBoundingClientRect();
  frame.scrollBy(...[["left", "width"], ["top", "height"]].map(([start, side], i) => {
    const place = before[start] + aim[i] * before[side], middle = seen[start] + seen[side] / 2;
    const kept = Math.abs(place - middle) < seen[side] / 2 ? place : middle;
    return after[start] + (after[side] * (kept - before[start])) / (before[side] || 1) - kept;
  }));
  point();
};
zoom.addEventListener("input", fit);
sheet.addEventListener("wheel", (event) => { // two fingers on a trackpad are the same
  if (!event.ctrlKey) return;
  event.preventDefault();
  follow(event);
  aim = at;
  zoom.value *= 2 ** (-event.deltaY / 150);
  fit();
}, { passive: false });
new ResizeObserver(fit).observe(root);

const show = () => {
  const { photo: below, layer: above, size, of } = props.value ?? {};
  if (!below) return;
  if (photo.getAttribute("src") !== below.url) photo.src = below.url;
  if (subject !== of) {
    subject = of;
    [canvas.width, canvas.height] = size;
    document.body.style.setProperty("--shape", size[1] / size[0]);
    [unsent, zoom.value, at, aim] = [[], 1, [0.5, 0.5], [0.5, 0.5]];
    delete root.dataset.touched;
    fit();
  }
  layer.hidden = !above;
  if (above) layer.src = above.url;
  else layer.removeAttribute("src");
};
watch("value", show);
show();
root.painter = { answered, isSent: () => !sent.length && !unsent.length && !stroke };
