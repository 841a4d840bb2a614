// What the judges said of one record: their codes side by side, then each one's reasons and quotes.
const MATCHES = { exact: "", normalised: "found but for spacing, case or signs", fuzzy: "found in similar words" };

const evidenceList = (said, titles) => {
  const list = make("ul", { class: "evidence" });
  for (const [code, field, , , quote, match, note] of said.evidence) {
    const lost = match === "unsupported";
    const where = field === "reference" ? "in the reference arm" : `in the ${field}`;
    const how = lost ? null : [where, MATCHES[match] ?? match].filter(Boolean).join(", ");
    list.append(
      make("li", {}, make("b", {}, titles[code] ?? code), how && ` ${how}`, lost ? make("strong", { class: "lost" }, quote ? " quote not found in the text" : " no quote given") : null,
        quote && " ", quote ? make("q", { dir: "auto" }, quote) : null, note ? make("small", { dir: "auto" }, ` ${note}`) : null),
    );
  }
  return list;
};

// Several replies: how many gave the code. One reply: its probability, where the model tells it.
const voteOf = (said, code) => {
  const share = said.votes?.[code];
  if (typeof share !== "number") return "";
  if (said.samples > 1) return `${Math.round(share * said.samples)} of ${said.samples} replies`;
  return share > 0 && share < 1 ? `probability ${share.toFixed(2)}` : "";
};

const codeWords = (said, code) => {
  const primary = code === said.primary_code && said.codes.length > 1 && "primary";
  return [primary, voteOf(said, code)].filter(Boolean).join(", ");
};

const ownCodes = (said, titles) => {
  const names = said.codes.map((code) => {
    const more = codeWords(said, code);
    return (titles[code] ?? code) + (more && ` (${more})`);
  });
  return make("p", {}, names.length ? names.join(", ") : "No code was given.");
};

const cellOf = (said, code, judge) => {
  if (judge.blind.includes(code)) return make("td", { class: "quiet" }, "not assessed");
  if (!said) return make("td", { class: "quiet" }, "not judged");
  if (!said.codes) return make("td", { class: "quiet" }, words(said.status));
  const given = said.codes.includes(code);
  const more = codeWords(said, code);
  return make("td", { class: given ? "given" : "quiet" }, given ? "yes" : "no", more && make("small", {}, ` ${more}`));
};

const codesBeside = (said, { judges, titles }) => {
  const codes = Object.keys(titles).filter((code) => said.some((one) => one?.codes?.includes(code)));
  // A verdict that is missing is no "no".
  if (!codes.length) return said.every((one) => one?.codes) && make("p", {}, "Neither gave a code.");
  const head = make("tr", {}, make("th", { scope: "col" }, "code"), ...judges.map((judge, i) => make("th", { scope: "col" }, make("mark", { class: `j${i}` }, judge.name))));
  const rows = codes.map((code) => {
    const differ = new Set(said.map((one) => one?.codes?.includes(code))).size > 1 && said.every((one) => one?.codes) && !judges.some((judge) => judge.blind.includes(code));
    return make("tr", { class: differ && "differ" }, make("th", { scope: "row" }, titles[code]), ...judges.map((judge, i) => cellOf(said[i], code, judge)));
  });
  return make("div", { class: "scroll" }, make("table", { class: "plain beside" }, make("thead", {}, head), make("tbody", {}, ...rows)));
};

// Codes that some replies gave, but too few.
const outvoted = (said, titles) => {
  const codes = Object.keys(said.votes ?? {}).filter((code) => said.samples > 1 && said.votes[code] > 0 && !said.codes.includes(code));
  return codes.length ? make("p", { class: "quiet" }, `Outvoted: ${codes.map((code) => `${titles[code] ?? code} (${voteOf(said, code)})`).join(", ")}`) : null;
};

const reasons = (said, core, alone) => {
  const part = make("div", {});
  if (said.status !== "ok") {
    part.append(make("p", {}, `No readable verdict: ${words(said.status)}.`), said.detail ? make("p", { class: "quiet", dir: "auto" }, said.detail) : "");
    return part;
  }
  const lesser = said.mode && said.mode !== "json_schema" && `degraded: reply not held to the schema (${said.mode})`;
  const sure = typeof said.confidence === "number" && !(said.samples > 1) && `stated confidence ${said.confidence.toFixed(2)}, not calibrated`;
  const small = [lesser, sure, said.detail].filter(Boolean).join("; ");
  const children = [
    alone && ownCodes(said, core.titles),
    said.rationale && make("p", { class: "quiet", dir: "auto" }, said.rationale),
    said.codebook_gap && make("p", {}, make("b", {}, "The codebook lacks a code"), said.gap_note && make("span", { dir: "auto" }, `: ${said.gap_note}`)),
    outvoted(said, core.titles),
    said.evidence.length && evidenceList(said, core.titles),
    small && make("small", { dir: "auto" }, small),
  ];
  part.append(...children.filter(Boolean));
  return part;
};

const verdictPart = (said, core) => {
  if (!said.some(Boolean)) return null;
  if (core.judges.length < 2) return make("div", {}, make("h4", {}, "What the judge said"), reasons(said[0], core, true));
  const each = core.judges.map((judge, i) => make("div", { class: `verdict j${i}` }, make("h4", {}, make("mark", { class: `j${i}` }, judge.name), ` ${judge.kind}`), said[i] ? reasons(said[i], core, false) : make("p", { class: "quiet" }, "Has not judged this response.")));
  return make("div", {}, make("h4", {}, "What the judges said"), codesBeside(said, core), make("div", { class: "verdicts" }, ...each));
};
