// The page's own script: arrows between nodes, the replay of a run, the progress of an attack.
// It shows what the server tells; it asks no other host anything, and works without a build.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("page-data").textContent);
  const texts = data.texts;
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const SVG = "http://www.w3.org/2000/svg";

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  const groups = (number) => String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const decimals = (number, digits) => {
    const shown = number.toFixed(digits);
    return data.language === "en" ? shown : shown.replace(".", ",");
  };
  const bytes = (count) => count < 1000 ? `${count} B`
    : count < 1e6 ? `${decimals(count / 1e3, count < 1e5 ? 1 : 0)} kB` : `${decimals(count / 1e6, count < 1e8 ? 1 : 0)} MB`;
  const seconds = (value) => `${decimals(value, value < 10 ? 2 : 1)} s`;
  const make = (parent, name, attributes, text) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  };

  // ---- the picture and what stands beside it -------------------------------------------------------------------

  const picture = document.getElementById("network");
  const stepOf = (step) => data.steps[step] ?? { ...data.steps[""], name: step };
  const nameOf = (party) => data.names[party] ?? party;
  const nodeOf = (party) => picture?.querySelector(`.node[data-party="${CSS.escape(party)}"]`);

  function setState(party, state) {
    const node = nodeOf(party);
    if (node && node.dataset.state !== state) {
      node.dataset.state = state;
      node.querySelector(".state").textContent = texts[`state_${state}`];
    }
    const cell = document.querySelector(`#nodes tr[data-party="${CSS.escape(party)}"] td`);
    if (cell) cell.textContent = texts[`state_${state}`];
  }

  function setPart(parties) {
    for (const node of picture.querySelectorAll(".node")) {
      node.classList.toggle("part", parties.includes(node.dataset.party));
    }
  }

  function showReceived(party, step, sender) {
    const line = document.querySelector(`#sees li[data-party="${CSS.escape(party)}"] .got`);
    if (!line) return;
    const told = stepOf(step);
    line.textContent = `${told.name}${sender ? ` (${texts.col_from} ${nameOf(sender)})` : ""}: ${told.sees}`;
  }
  function clearReceived() {
    for (const line of document.querySelectorAll("#sees li .got")) line.textContent = texts.sees_nothing;
  }

  // Which part of the computation each node is in: "koppelen, beurt van SVB".
  function showStages(stages) {
    for (const line of document.querySelectorAll("#sees li")) {
      const [word, party] = (stages[line.dataset.party] ?? "").split("/");
      const stage = fill(data.stages[word] ?? word, { party: nameOf(party ?? "") });
      line.querySelector(".stage").textContent = stage && fill(texts.stage_now, { stage });
    }
  }

  // Says in the middle of the picture, where no node stands, what the latest arrow is.
  function drawLabel(arrow) {
    const place = picture.querySelector(".label"), { width, height } = picture.viewBox.baseVal;
    place.replaceChildren();
    if (!arrow) return;
    const count = arrow.new > 1 ? ` (${groups(arrow.new)}×)` : "";
    const lines = [`${nameOf(arrow.from)} → ${nameOf(arrow.to)}`, stepOf(arrow.step).name, `${bytes(arrow.newBytes)}${count}`];
    const box = make(place, "rect", { y: height / 2 - 32, height: 64, rx: 3 });
    const widths = lines.map((line, index) => make(place, "text",
      { x: width / 2, y: height / 2 - 13 + 19 * index, class: line.length > 52 ? "long" : "" }, line).getComputedTextLength());
    const half = Math.min(width / 2 - 4, 10 + Math.max(...widths) / 2);
    box.setAttribute("x", width / 2 - half);
    box.setAttribute("width", 2 * half);
  }

  // Draws one arrow and takes it away after a while; returns what takes it away at once.
  function drawArrow(arrow, stayMs) {
    const from = nodeOf(arrow.from), to = nodeOf(arrow.to);
    if (!from || !to) return () => {};
    const [x1, y1, x2, y2] = [from.dataset.x, from.dataset.y, to.dataset.x, to.dataset.y].map(Number);
    const length = Math.hypot(x2 - x1, y2 - y1) || 1;
    const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
    // A little to the right of the line, so that both directions stay apart.
    const [dx, dy] = [-uy * 5, ux * 5];
    const start = [x1 + ux * 22 + dx, y1 + uy * 22 + dy], end = [x2 - ux * 24 + dx, y2 - uy * 24 + dy];
    const group = make(picture.querySelector(".arrows"), "g", { class: "arrow" });
    make(group, "line", { x1: start[0], y1: start[1], x2: end[0], y2: end[1], "marker-end": "url(#network-head)" });
    drawLabel(arrow);
    if (!still.matches && stayMs) {
      const dot = make(group, "circle", { class: "dot", r: 6, cx: start[0], cy: start[1] });
      dot.animate(
        [{ transform: "translate(0,0)" }, { transform: `translate(${end[0] - start[0]}px,${end[1] - start[1]}px)` }],
        { duration: Math.min(600, stayMs), fill: "forwards", easing: "ease-out" });
    }
    const remove = () => group.remove();
    if (stayMs) {
      setTimeout(() => group.classList.add("fading"), stayMs * 0.7);
      setTimeout(() => { remove(); if (!picture.querySelector(".arrow")) drawLabel(null); }, stayMs);
    }
    return remove;
  }

  function fillTable(rows) {
    const body = document.querySelector("#traffic tbody");
    body.replaceChildren(...(rows.length ? rows : [null]).map((row) => {
      const line = document.createElement("tr");
      const cells = row
        ? [["col_from", nameOf(row.from)], ["col_to", nameOf(row.to)], ["col_step", stepOf(row.step).name],
          ["col_messages", groups(row.frames), 1], ["col_bytes", bytes(row.bytes), 1],
          ["col_seen_by", texts[`seen_${row.seen}`]]]
        : [[null, texts.traffic_none]];
      for (const [label, text, number] of cells) {
        const cell = document.createElement("td");
        cell.textContent = text;
        if (label) cell.dataset.label = texts[label]; else cell.colSpan = 6;
        if (number) cell.className = "number";
        line.append(cell);
      }
      return line;
    }));
  }

  // ---- live ---------------------------------------------------------------------------------------------------

  function live(only) {
    const status = document.getElementById("live-status"), link = document.getElementById("live-run");
    const runs = new Map(), flows = new Map(), waiting = [], states = new Map();
    const one = only === "all" ? null : only;
    let newest = one, dirty = false, said = "", saidAt = 0, urgent = "";

    // A message of a person's screen reader every few seconds at most; news about nodes and ends come first.
    function say(text, first) {
      if (first) urgent = urgent ? `${urgent} ${text}` : text;
      else said = text;
    }
    setInterval(() => {
      if (!urgent && Date.now() - saidAt < 8000) return;
      const text = urgent || said;
      if (text && text !== status.textContent) { status.textContent = text; saidAt = Date.now(); }
      urgent = "";
    }, 1000);

    function noteNode(node, silent) {
      const before = states.get(node.party);
      states.set(node.party, node.state);
      setState(node.party, node.state);
      if (node.state !== "serving") {
        for (let i = waiting.length - 1; i >= 0; i--) {
          if (waiting[i].from === node.party) waiting.splice(i, 1);
        }
      }
      if (!silent && before && before !== node.state) {
        const key = node.state === "serving" ? "node_serving_said" : "node_stopped_said";
        say(fill(texts[key], { node: nameOf(node.party) }), true);
      }
    }

    function noteRun(run, silent) {
      const before = runs.get(run.id);
      runs.set(run.id, run);
      if (one && run.id !== one) return;
      const scenario = data.scenarios[run.scenario] ?? run.scenario;
      if (!before && !one) { newest = run.id; flows.clear(); clearReceived(); }
      if (run.id !== newest) return;
      if (!one) setPart(run.parties);
      showStages(run.state === "running" ? run.stages : {});
      if (link) { link.href = `/runs/${run.id}`; link.hidden = false; }
      if (silent || before?.state === run.state) return;
      if (run.state === "running") say(fill(texts.live_running, { scenario }), true);
      else say(fill(run.state === "failed" ? texts.live_failed : texts.live_ended, { scenario }), true);
    }

    function noteArrow(arrow) {
      if (newest && arrow.run !== newest) return;
      const key = [arrow.from, arrow.to, arrow.step].join("|");
      flows.delete(key);
      flows.set(key, arrow);
      dirty = true;
      if (!arrow.new) return;
      const queued = waiting.find((other) => [other.from, other.to, other.step].join("|") === key);
      if (queued) { queued.new += arrow.new; queued.newBytes += arrow.newBytes; } else waiting.push({ ...arrow });
    }

    function take(update, silent) {
      update.nodes.forEach((node) => noteNode(node, silent));
      update.runs.forEach((run) => noteRun(run, silent));
      update.arrows.forEach(noteArrow);
      update.received.forEach((got) => showReceived(got.party, got.step));
    }

    // Arrows leave the queue one by one, so that a run of half a second can be followed; a long queue goes faster.
    (function next() {
      const arrow = waiting.shift();
      if (arrow) {
        drawArrow(arrow, 1400);
        showReceived(arrow.to, arrow.step, arrow.from);
      }
      setTimeout(next, arrow ? Math.max(120, 420 - waiting.length * 6) : 100);
    })();

    setInterval(() => {
      if (!dirty) return;
      dirty = false;
      const all = [...flows.values()].reverse();
      fillTable(all.slice(0, 12));
      const total = all.reduce((sum, flow) => sum + flow.bytes, 0);
      const messages = all.reduce((sum, flow) => sum + flow.frames, 0);
      if (all.length) {
        say(fill(texts.live_summary,
          { messages: groups(messages), bytes: bytes(total), step: stepOf(all[0].step).name }));
      }
    }, 2000);

    const source = new EventSource("/events");
    source.addEventListener("snapshot", (event) => {
      const content = JSON.parse(event.data);
      flows.clear();
      const running = content.runs.filter((run) => run.state === "running").at(-1) ?? content.runs.at(-1);
      if (!one && running) newest = running.id;
      content.runs.forEach((run) => runs.set(run.id, run));
      take(content, true);
      // That nothing runs is no news, and must not be said together with a run that begins right after.
      if (running?.state === "running" && !one) say(fill(texts.live_running,
        { scenario: data.scenarios[running.scenario] ?? running.scenario }), true);
      else if (!one) say(texts.live_idle);
    });
    source.addEventListener("update", (event) => take(JSON.parse(event.data), false));
    source.addEventListener("error", () => say(texts.live_lost, true));

    if (one) follow(one, status, () => waiting.length);
  }

  // The progress of one run, as the node that was asked to start it tells; the page loads anew when it has ended.
  function follow(run, status, waiting) {
    const place = document.getElementById("progress");
    const bars = new Map();
    let endedAt = 0;
    async function look() {
      let state = null;
      try { state = await (await fetch(`/runs/${run}/state.json`)).json(); } catch { /* tried again */ }
      for (const line of state?.progress ?? []) {
        if (!bars.has(line.peer)) {
          if (!bars.size) place.replaceChildren();
          const box = document.createElement("p"), label = document.createElement("span"), bar = document.createElement("progress");
          label.id = `progress-${line.peer}`;
          bar.setAttribute("aria-labelledby", label.id);
          box.append(label, bar);
          place.append(box);
          bars.set(line.peer, { label, bar });
        }
        const { label, bar } = bars.get(line.peer);
        label.textContent = fill(texts.progress_with, { party: nameOf(line.peer), step: stepOf(line.step).name });
        if (line.total) { bar.max = line.total; bar.value = Math.min(line.done, line.total); }
      }
      if (state && !state.running) {
        endedAt ||= Date.now();
        document.getElementById("show-result").hidden = false;
        // What was queued may still be looked at, for a moment.
        if (state.failed || !waiting() || Date.now() - endedAt > 12000) {
          status.textContent = texts.finished_reload;
          setTimeout(() => location.reload(), 700);
          return;
        }
      }
      setTimeout(look, 500);
    }
    look();
  }

  // ---- replay -------------------------------------------------------------------------------------------------

  async function replay(address) {
    const slider = document.getElementById("scrub-at"), output = document.getElementById("scrub-text");
    const button = document.getElementById("scrub-play");
    const moments = (await (await fetch(address)).json()).moments;
    document.getElementById("scrub").hidden = false;
    if (!moments.length) {
      slider.disabled = button.disabled = true;
      output.textContent = texts.scrub_none;
      return;
    }
    slider.max = moments.length;
    let timer = 0;

    function show(position) {
      picture.querySelector(".arrows").replaceChildren();
      drawLabel(null);
      clearReceived();
      const flows = new Map();
      for (const moment of moments.slice(0, position)) {
        for (const arrow of moment.arrows) {
          const key = [arrow.from, arrow.to, arrow.step].join("|");
          const so = flows.get(key) ?? { ...arrow, frames: 0, bytes: 0 };
          flows.delete(key);
          flows.set(key, so);
          so.frames += arrow.new;
          so.bytes += arrow.newBytes;
          showReceived(arrow.to, arrow.step, arrow.from);
        }
      }
      fillTable([...flows.values()].reverse());
      const moment = moments[position - 1];
      let said = texts.scrub_begin;
      if (moment) {
        moment.arrows.forEach((arrow) => drawArrow(arrow, 0));
        const what = moment.arrows.map((arrow) =>
          `${nameOf(arrow.from)} → ${nameOf(arrow.to)}: ${stepOf(arrow.step).name}, ${bytes(arrow.newBytes)}`);
        const at = fill(texts.scrub_at, { step: position, steps: moments.length, seconds: seconds(moment.at) });
        said = `${at} ${what.slice(0, 3).join("; ")}${what.length > 3 ? "; …" : ""}`;
      }
      output.textContent = said;
      slider.setAttribute("aria-valuetext", said);
    }

    function stop() {
      clearInterval(timer);
      timer = 0;
      button.textContent = texts.scrub_play;
    }
    function move(position) {
      slider.value = position;
      show(position);
      history.replaceState(null, "", `#moment-${position}`);
    }
    slider.addEventListener("input", () => { stop(); move(Number(slider.value)); });
    button.addEventListener("click", () => {
      if (timer) { stop(); return; }
      if (Number(slider.value) >= moments.length) move(0);
      // While it plays the slider says nothing aloud: it would flood.
      button.textContent = texts.scrub_pause;
      timer = setInterval(() => {
        const position = Number(slider.value) + 1;
        if (position > moments.length) stop(); else move(position);
      }, Math.max(150, Math.min(900, 40000 / moments.length)));
    });
    output.setAttribute("aria-live", "off");
    const kept = /^#moment-(\d+)$/.exec(location.hash);
    move(Math.min(kept ? Number(kept[1]) : 0, moments.length));
    if (!kept) history.replaceState(null, "", location.pathname + location.search);
  }

  // ---- attack -------------------------------------------------------------------------------------------------

  function attack() {
    const panels = [...document.querySelectorAll(".attack")];
    const busy = (state) => state.state === "loading" || state.state === "running";
    // Busy at first: the server may have made the page within a pause that is over now.
    let saidAt = 0, wasBusy = true;
    function show(state) {
      for (const panel of panels) {
        const mine = panel.dataset.kind === state.kind;
        panel.querySelector(".attack-start").disabled = busy(state) || state.paused;
        panel.querySelector(".attack-cancel").hidden = !(mine && busy(state));
        const bar = panel.querySelector(".attack-bar"), figures = panel.querySelector(".attack-figures");
        bar.hidden = !mine;
        if (!mine) { figures.textContent = ""; continue; }
        if (state.total) { bar.max = state.total; bar.value = state.done; }
        if (state.state === "done") bar.value = bar.max;
        const values = { ...state, seconds: seconds(state.seconds ?? 0) };
        for (const key of ["done", "total", "count", "recovered", "extra"]) values[key] = groups(state[key] ?? 0);
        let text = fill(texts[`attack_${state.state}`] ?? "", values);
        if (state.extra) text += ` ${fill(texts.attack_false, values)}`;
        // Seen often, said seldom.
        figures.textContent = busy(state) ? text : "";
        const said = panel.querySelector(".attack-said");
        said.classList.toggle("visually-hidden", busy(state));
        if (!busy(state) || Date.now() - saidAt > 5000) { said.textContent = text; saidAt = Date.now(); }
      }
    }
    (async function look() {
      let state = null;
      try { state = await (await fetch("/attack/state.json")).json(); } catch { /* tried again */ }
      const now = state && (busy(state) || state.paused);
      if (state && (now || wasBusy)) show(state);
      wasBusy = state ? now : wasBusy;
      setTimeout(look, wasBusy ? 300 : 1500);
    })();
  }

  // ---- begin --------------------------------------------------------------------------------------------------

  const place = document.getElementById("live");
  if (data.page === "attack") attack();
  else if (place?.dataset.replay) replay(place.dataset.replay);
  else if (place) live(place.dataset.live);

  // The other language opens at the same moment of a replay.
  document.getElementById("language-switch")?.addEventListener("click", (event) => {
    if (location.hash) event.currentTarget.href = event.currentTarget.href.split("#")[0] + location.hash;
  });
})();
