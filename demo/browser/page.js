// What the page does in the browser beside painting: names and keys that Gradio's parts lack, one live region, focus.
(englishOnly) => {
  // The slider between two pictures answers to a pointer only: this lends it the keys of a slider.
  const drag = (handle, x) => {
    const box = handle.getBoundingClientRect(), center = box.left + box.width / 2;
    const send = (type, target, clientX) => target.dispatchEvent(
      new MouseEvent(type, { bubbles: true, cancelable: true, view: window, clientX, clientY: box.top + 5 }));
    send("mousedown", handle, center);
    send("mousemove", window, center + x);
    send("mouseup", window, center + x);
  };
  const tell = (handle) => {
    const frame = handle.parentElement.getBoundingClientRect(), box = handle.getBoundingClientRect();
    const share = (100 * (box.left + box.width / 2 - frame.left)) / frame.width;
    handle.setAttribute("aria-valuenow", Math.round(share));
  };
  const lend = (handle) => {
    const label = handle.closest(".block").querySelector("[data-testid=block-label]").innerText.trim();
    const named = { tabindex: 0, role: "slider", "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": label };
    Object.entries(named).forEach(([name, value]) => handle.setAttribute(name, value));
    tell(handle);
    handle.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      drag(handle, (step * handle.parentElement.clientWidth) / 20);
      setTimeout(() => tell(handle), 50);
    });
  };
  // Notes and refusals come and go with their parts of the page; screen readers follow one place that stays.
  const live = document.createElement("div");
  live.className = "unseen";
  live.setAttribute("role", "status");
  document.body.append(live);
  const announce = () => {
    const shown = [...document.querySelectorAll(".block:is(.said, .refusal, #prints)")].filter((note) => note.checkVisibility());
    const text = shown.map((note) => note.innerText.trim().replace(/ \| .*s$/, "")).filter(Boolean).join(" ");
    if (live.innerText !== text) live.innerText = text;
  };
  const find = (selector) => document.querySelector(selector);
  document.title = find("#title h1").innerText;
  // What Gradio says in English only; what its next version words otherwise stays English.
  const translate = (node) => { // text, or an attribute
    const said = Object.entries(englishOnly).reduce((text, [was, is]) => text.replace(RegExp(was), is), node.nodeValue ?? "");
    if (said && said !== node.nodeValue) node.nodeValue = said;
  };
  const inKorean = () => {
    document.querySelectorAll(":is(button, input)[aria-label]").forEach((part) => [...part.attributes].forEach(translate));
    document.querySelectorAll(".progress-text, .uploading").forEach((part) => part.childNodes.forEach(translate));
  };
  const focus = (selector) => setTimeout(() => find(selector)?.focus({ preventScroll: true }), 100);
  const result = () => [...document.querySelectorAll("#results :is([data-testid=slider].outer, .sheet), #batch-save")]
    .find((part) => part.checkVisibility());
  const toResult = find("#to-result"); // for keys, before all else
  toResult.onclick = () => result().focus();
  // A long list of photos is one stop for Tab: arrows lead from × to ×, and the removal of one to the next.
  const removers = () => [...document.querySelectorAll("#batch-files tr button")];
  let stop = 0, count = 0;
  const stopAt = (place, isAsked) => {
    const all = removers(), isLost = all.length < count && document.activeElement === document.body;
    [stop, count] = [Math.max(0, Math.min(place, all.length - 1)), all.length];
    all.forEach((button, i) => { button.tabIndex = i === stop ? 0 : -1; });
    if (isAsked || isLost) // later: the Enter that took one away would take the next one too
      setTimeout(() => (all[stop] ?? find("#batch-files button.upload-container"))?.focus(), 100);
  };
  addEventListener("focusin", ({ target }) => removers().includes(target) && stopAt(removers().indexOf(target)));
  addEventListener("keydown", (event) => {
    const step = removers().includes(event.target) && { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault(); // else the page scrolls too
    stopAt(stop + step, true);
  });
  const look = () => {
    stopAt(stop);
    toResult.classList.toggle("shown", !!result()); // until then, and before this runs, no Tab stops there
    document.querySelectorAll("[data-testid=slider].outer:not([tabindex])").forEach(lend);
    document.querySelectorAll("#examples button.gallery-item, .pictures .thumbnail-item").forEach((button) => {
      const item = button.closest(".gallery-item"), label = button.closest(".block").querySelector("label, .label");
      const name = button.innerText.trim() || `${label.innerText.trim()}: ${[...item.parentElement.children].indexOf(item) + 1}`;
      if (button.ariaLabel !== name) button.ariaLabel = button.title = name;
    });
    for (const drop of document.querySelectorAll("#drop button, #batch-files button"))
      if (drop.querySelector("input[type=file]") || drop.matches("[aria-dropeffect]"))
        if (drop.ariaLabel !== drop.innerText.trim()) drop.ariaLabel = drop.innerText.trim();
    const more = find("#batch-files button .upload-container"); // a nameless button in a nameless button
    if (more) {
      more.ariaLabel = find("#batch-files label").innerText.trim();
      Object.assign(more.parentElement.closest("button"), { role: "group", tabIndex: -1, title: more.ariaLabel });
    }
    const toast = find(".toast-body.error:not([data-told])");
    if (toast) toast.dataset.told = true, show(broken);
    if (navigator.language.startsWith("ko")) inKorean();
    announce();
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
  look();

  // What is no picture by its name Gradio refuses in a toast that goes. As one it reaches the server, whose sentence stays.
  const asPictures = (files) => {
    const given = new DataTransfer();
    for (const file of files)
      given.items.add(file.type.startsWith("image/") ? file : new File([file], file.name, { type: "image/unknown" }));
    return given;
  };
  addEventListener("change", ({ target }) => {
    const isStrange = ({ type }) => !type.startsWith("image/");
    if (target.closest?.("#drop") && [...target.files].some(isStrange)) target.files = asPictures(target.files).files;
  }, true);
  // So does what is pasted, and what is dropped, on its place or beside it: there it would replace the page.
  // Many go to the tab for many; one, while another is worked on, replaces it if that costs no work, else after a question.
  const isSeen = (selector) => find(selector)?.checkVisibility();
  const give = async (files, place) => {
    const target = () => isSeen(place) && find(`${place} button.upload-container`);
    while (!target()) await new Promise((done) => setTimeout(done, 50)); // or what came before is on its way
    const given = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: asPictures(files) });
    target().dispatchEvent(Object.assign(given, { isTaken: true }));
  };
  const replace = (files) => {
    find("#another").click();
    give(files, "#drop");
  };
  const take = (files) => {
    if (!files.length) return;
    if (files.length > 1) find("#batch-button").click();
    if (files.length > 1 || isSeen("#batch-files")) give(files, "#batch-files");
    else if (!isSeen("#work")) give(files, "#drop");
    else if (!result() && !painter().dataset.touched) replace(files);
    else {
      instead.querySelector("button").onclick = () => replace(files);
      asked = find("#note");
      show(instead);
    }
  };
  // A folder stands for what lies in it.
  const within = async (entry) => {
    const read = (from, how) => new Promise((done, fail) => from[how](done, fail));
    if (entry.isFile) return [await read(entry, "file")];
    return (await Promise.all((await read(entry.createReader(), "readEntries")).map(within))).flat();
  };
  addEventListener("paste", ({ clipboardData }) => take([...clipboardData?.files ?? []]));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", async (event) => {
    if (event.isTaken) return;
    event.preventDefault();
    event.stopPropagation();
    const { items, files } = event.dataTransfer, entries = [...items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
    const isFolder = entries.some((entry) => entry.isDirectory);
    take((await Promise.all(isFolder ? entries.map(within) : [...files])).flat());
  }, true);

  // What the server has no room for is asked of it again, and what waits for that is said where it was asked for.
  const fetched = window.fetch, [busy, broken, instead] = ["#busy", "#broken", "#instead"].map(find);
  let asked;
  const touched = ({ target }) => {
    [broken, instead].forEach((notice) => notice.classList.remove("shown"));
    if (!busy.contains(target)) asked = target.closest?.(".column .block, .column button");
  };
  ["click", "change", "drop", "keydown"].forEach((type) => addEventListener(type, touched, true));
  const show = (notice) => {
    let part = [asked, ...["#note", "#drop", "#batch-files"].map(find)].find((place) => place?.checkVisibility());
    while (!part.parentElement.matches(".column")) part = part.parentElement;
    part.before(notice);
    notice.classList.add("shown");
    notice.scrollIntoView({ block: "nearest" });
  };
  const turn = () => new Promise((done) => {
    show(busy);
    busy.querySelector("button").onclick = done;
    setTimeout(done, 10000);
  });
  window.fetch = async (...request) => {
    for (;;) {
      const isJoining = String(request[0]).includes("/queue/join");
      const answer = await fetched(...request).catch((error) => { if (!isJoining) throw error; });
      if (answer && !(isJoining && answer.status === 503)) {
        if (isJoining) busy.classList.remove("shown");
        return answer;
      }
      await turn();
    }
  };

  // A result that is asked for by hand is waited for where it appears.
  const painter = () => find("#editor .painter");
  const showPlace = () => {
    const results = find("#results"), { top } = results.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) results.scrollIntoView({ behavior: "smooth" });
  };
  addEventListener("click", ({ target }) => {
    if (target.closest?.("#tab-hints-button")) setTimeout(() => { // once it has its size
      find("#hints").scrollIntoView({ block: "nearest", behavior: "smooth" });
      focus("#hints .sheet");
    }, 100);
    if (target.closest?.("#batch-start")) find("#batch-note").scrollIntoView({ block: "center", behavior: "smooth" });
    if (!target.closest?.("#restore")) return;
    delete painter().dataset.touched;
    asked = find("#note");
    showPlace();
  });
  addEventListener("keydown", ({ key, target }) => {
    if (key === "Enter" && target.matches?.("#editor .sheet")) find("#restore").click();
  });
  let saved;
  window.page = {
    opened: (visit) => {
      if (visit) sessionStorage.visit = visit;
      focus("#editor .sheet");
      return isSeen("#work") || isSeen("#start > .refusal:not(#broken)") ? null : undefined; // a photo that was dropped meanwhile stays
    },
    // On a phone the result lies below the screen. Nothing moves under a hand that paints.
    showResult: () => setTimeout(() => { // the slider takes its height first
      if (!result() || painter()?.dataset.touched) return;
      showPlace();
      if (document.activeElement.matches("body, #editor .sheet, #restore")) result().focus({ preventScroll: true });
    }, 200),
    startAgain: () => {
      sessionStorage.removeItem("visit");
      scrollTo({ top: 0, behavior: "smooth" });
      focus("#drop button");
    },
    // A full-size file is written when it is asked for: the click that asks for it then also saves it.
    save: (file) => {
      if (!file || file.url === saved) return; // where it could not be written, the last one is still there
      saved = file.url;
      const link = document.createElement("a");
      link.href = file.url;
      link.download = file.orig_name;
      link.click();
    },
    // What was painted last is on the server before anything else is asked of it.
    sent: async (name) => {
      const painter = () => find(`#${name} .painter`)?.painter;
      while (painter() && !painter().isSent()) await new Promise((done) => setTimeout(done, 50));
    },
    answered: (name) => find(`#${name} .painter`)?.painter?.answered(),
  };
  // A reload, or the way back, finds the same visit and tab; a copy of a browser's tab that still lives starts anew.
  const own = (done) => {
    const name = sessionStorage.name ??= Math.random();
    if (!navigator.locks) return done(); // neither https nor this machine's own
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock) return done(), new Promise(() => {}); // kept until the page goes
      sessionStorage.clear();
      own(done);
    });
  };
  addEventListener("visibilitychange", () => { sessionStorage.many = isSeen("#batch-files") ? "yes" : ""; });
  return new Promise(own).then(() => { if (sessionStorage.many) find("#batch-button").click(); });
}
