// One record beside its partners under the other arms, with the evidence marked.

// Spans count Unicode code points, strings here count UTF-16 units.
const unitsOf = (text, points) => {
  const wanted = [...new Set(points)].sort((a, b) => a - b);
  const units = new Map();
  let point = 0;
  let unit = 0;
  for (const stop of wanted) {
    while (point < stop && unit < text.length) {
      unit += text.codePointAt(unit) > 0xffff ? 2 : 1;
      point++;
    }
    units.set(stop, unit);
  }
  return units;
};

// Overlapping spans are cut at each other's ends; a piece carries the titles of all it lies in.
const marked = (text, spans) => {
  const known = spans.filter((s) => s.start !== null && s.end > s.start);
  const units = unitsOf(text, known.flatMap((s) => [s.start, s.end]));
  const cuts = [...new Set([0, text.length, ...units.values()])].sort((a, b) => a - b);
  const box = make("p", { class: "prose", dir: "auto" });
  for (let i = 0; i + 1 < cuts.length; i++) {
    const piece = text.slice(cuts[i], cuts[i + 1]);
    const over = known.filter((s) => units.get(s.start) <= cuts[i] && units.get(s.end) >= cuts[i + 1]);
    if (!over.length) {
      box.append(piece);
      continue;
    }
    const kinds = [...new Set(over.map((s) => `j${s.judge}`)), over.every((s) => s.match !== "exact") && "loose"];
    box.append(make("mark", { title: over.map((s) => s.title).join("; "), class: kinds.filter(Boolean).join(" ") }, piece));
  }
  if (!text) box.append(make("small", {}, "(empty)"));
  return box;
};

const chip = (outcome) => {
  const kind = outcome === "correct" ? "right" : outcome === "incorrect" ? "wrong" : "other";
  return make("span", { class: `chip ${kind}` }, words(outcome));
};

const fact = (label, value, inline = true) => (value === null || value === undefined || value === "" ? null : make("li", { class: inline && "inline" }, `${label} ${value}`));

const spansOf = (said, field, { titles, judges }) =>
  said.flatMap((one, judge) =>
    (one?.evidence ?? [])
      .filter((e) => e[1] === field)
      .map(([code, , start, end, , match, note]) => {
        const title = [titles[code] ?? code, note].filter(Boolean).join(": ");
        return { judge, start, end, match, title: judges.length > 1 ? `${judges[judge].name}, ${title}` : title };
      }));

const choiceList = (choices, gold) => {
  const list = make("ol", { class: "choices" });
  choices.forEach((choice, i) => {
    const letter = String.fromCharCode(65 + i);
    const right = gold === letter || gold === choice;
    list.append(make("li", { class: right && "gold" }, make("span", {}, letter), make("span", { dir: "auto" }, choice), right ? make("small", {}, "gold") : null));
  });
  return list;
};

const runPart = async (store, index, chosen, referenceSpans) => {
  const { columns, names, hues } = store.core;
  const [facts, ...said] = await store.details.at(index);
  const [status, finish, tokens, line, image, rule, detail, extracted, otherOutcome, otherExtracted] = facts;
  const arm = names.arm[columns.arm[index]];
  const outcome = names.outcome[columns.outcome[index]];
  const response = await store.texts.at(columns.text[index]);
  const part = make("section", { class: `run h-${hues[arm]}${chosen ? " chosen" : ""}`, "aria-label": `${arm} run`, "data-arm": arm },
    make("header", {}, make("b", {}, arm), chip(outcome), make("span", { class: "n" }, extracted ? `answer ${extracted}` : "no answer read")),
    marked(response, [...spansOf(said, "response", store.core), ...referenceSpans]));
  if (columns.reasoning[index] >= 0) {
    const reasoning = await store.texts.at(columns.reasoning[index]);
    part.append(make("details", { open: spansOf(said, "reasoning", store.core).length > 0 }, make("summary", {}, "Reasoning kept apart"),
      marked(reasoning, spansOf(said, "reasoning", store.core))));
  }
  part.append(make("ul", { class: "facts" },
    fact("ours:", [words(outcome), rule, detail].filter(Boolean).join(" · "), false),
    otherOutcome ? fact("file's score:", [words(otherOutcome), otherExtracted].filter(Boolean).join(" · "), false) : null,
    fact("status", [status, finish].filter(Boolean).join(", ")),
    fact("characters", [...response].length.toLocaleString("en")), fact("tokens", tokens), fact("image", image), fact("line", line)));
  const verdict = verdictPart(said, store.core);
  if (verdict) part.append(verdict);
  return part;
};

// Which partner the judges were shown: the one whose text holds the quotes where they are said to be.
const referenceOf = async (store, said, mates) => {
  const quotes = said.flatMap((one) => one?.evidence ?? []).filter((e) => e[1] === "reference" && e[5] === "exact" && e[2] !== null);
  for (const mate of mates) {
    const points = [...(await store.texts.at(store.core.columns.text[mate]))];
    if (quotes.length && quotes.every((e) => points.slice(e[2], e[3]).join("") === e[4])) return mate;
  }
  return mates[0];
};

const showDetail = async (store, index, pane) => {
  const { columns, items, names } = store.core;
  const [itemId, , questionText, choicesText] = items[columns.item[index]];
  const [choices, gold] = await store.texts.at(choicesText);
  const [, ...said] = await store.details.at(index);
  const spans = spansOf(said, "question", store.core);
  const about = [names.model[columns.model[index]], names.style[columns.style[index]], names.subject[columns.subject[index]]].filter(Boolean);
  const side = make("div", { class: "side" });
  const mates = store.cases.get(columns.case[index]);
  const reference = await referenceOf(store, said, mates.filter((mate) => mate !== index));
  // The first arm, then the chosen record, then the others.
  const order = [...new Set([mates[0], index, ...mates])];
  for (const mate of order) {
    const extra = mate === reference ? spansOf(said, "reference", store.core) : [];
    side.append(await runPart(store, mate, mate === index, extra));
  }
  const question = make("div", {}, make("h4", {}, "Question"), marked(await store.texts.at(questionText), spans));
  if (choices?.length) question.append(choiceList(choices, gold));
  if (!choices?.length || !/^[A-Z]$/.test(gold ?? "")) question.append(make("p", {}, make("small", {}, "gold "), make("span", { dir: "auto" }, gold ?? "(none)")));
  const { judges } = store.core;
  const key = judges.length > 1 && make("p", { class: "legend" }, ...judges.map((judge, i) => make("span", {}, make("mark", { class: `j${i}` }, "quoted"), ` by ${judge.name}`)));
  const head = make("div", {}, make("h3", {}, itemId), make("small", {}, about.join(" · ")), key);
  return () => {
    pane.replaceChildren(head, question, side);
    pane.scrollTop = 0;
  };
};
