// The query language of the page's search box: the same as that of `qareport search`, as far as one page can answer it.
// readQuery(text, names) returns { holds(sentence), shown }: whether a sentence { text, marks } is found, and the regular
// expression of what is to be marked in it; null for an empty query. `names` tells the mark of a tag or speaker by its
// name. Nothing is an error here: people search while they type.
"use strict";
const readQuery = (() => {
  const CJK = "\\u1100-\\u11ff\\u3005-\\u3007\\u3040-\\u30ff\\u31f0-\\u31ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\ua960-\\ua97f\\uac00-\\ud7ff\\uf900-\\ufaff";
  const LETTER = `(?:(?![${CJK}])[\\p{L}\\p{N}])`;
  const QUOTES = "\"“”＂「」『』";
  const BREAK = `\\s，、；\\[\\]［］【】`;
  const TOKEN = new RegExp(
    `(?<open>[(（])|(?<close>[)）])|(?<operator>and|or|not)(?=[${BREAK}()（）${QUOTES}]|$)|` +
      `[\\[［【](?<tag>[^\\s\\[\\]［］【】]+)[\\]］】]|[${BREAK}]+|[${QUOTES}](?<phrase>[^${QUOTES}]*)(?:[${QUOTES}]|$)|` +
      `(?<field>[\\p{L}_]+)[:：]\\s*(?:[${QUOTES}](?<quoted>[^${QUOTES}]*)(?:[${QUOTES}]|$)|(?<value>[^\\s()（）${QUOTES}]*))|` +
      `(?<word>[^${BREAK}()（）${QUOTES}]+)`,
    "giu",
  );
  const RUNS = new RegExp(`[${CJK}]+|${LETTER}+`, "gu");
  const ROLE = ["role", "角色", "说话人"];
  const MOMENT = ["moment", "节点", "关键节点"];
  const fold = (text) => text.normalize("NFKC").toLowerCase();

  return (text, names) => {
    const tokens = [...text.matchAll(TOKEN)].map((match) => match.groups).filter((token) => Object.values(token).some(Boolean));
    const shown = [];
    let at = 0;
    let excluded = false;

    const words = (phrase) => {
      const runs = fold(phrase).match(RUNS);
      if (!runs) return null;
      const parts = runs.map((run, index) => {
        if (new RegExp(`^[${CJK}]`, "u").test(run)) return run;
        const last = index === runs.length - 1; // the last word may still be being typed
        return `(?<!${LETTER})${run}${last ? "" : `(?!${LETTER})`}`;
      });
      const pattern = new RegExp(parts.join("[^\\p{L}\\p{N}]*"), "iu");
      if (!excluded) shown.push(pattern.source);
      return (sentence) => pattern.test(sentence.text);
    };
    const mark = (name) => {
      const wanted = names[fold(name)];
      if (!wanted) return null;
      if (!excluded) shown.push(`\\[${wanted.slice(1).replaceAll("§", "_")}\\]`);
      return (sentence) => sentence.marks.has(wanted);
    };
    const both = (parts) => (parts.every(Boolean) ? (sentence) => parts.every((part) => part(sentence)) : null);
    const any = (parts) => {
      const held = parts.filter(Boolean);
      return held.length ? (sentence) => held.some((part) => part(sentence)) : null;
    };
    const isTag = (name) => names[fold(name)] && /^[A-Z_]+$/.test(name);

    const leaf = (token) => {
      if (token.field) {
        const value = token.quoted ?? token.value ?? "";
        const field = fold(token.field);
        if (ROLE.includes(field)) return mark(value) ?? words(value);
        if (MOMENT.includes(field)) return mark(`moment:${value}`) ?? words(value);
        if (names[field]?.startsWith("§role")) return value ? both([mark(field), words(value)]) : mark(field);
        return words(`${token.field} ${value}`);
      }
      if (token.phrase !== undefined) {
        const inside = token.phrase.trim().match(/^[[［【]\s*([^\s[\]［］【】]+)\s*[\]］】]$/);
        if (inside) return mark(inside[1]) ?? words(inside[1]);
        return isTag(token.phrase) ? mark(token.phrase) : words(token.phrase);
      }
      if (token.tag) return mark(token.tag) ?? words(token.tag);
      if (isTag(token.word)) return mark(token.word);
      const isRole = /^[\x00-\x7f]+$/.test(token.word) && names[fold(token.word)]?.startsWith("§role");
      return isRole ? words(token.word) : any([mark(token.word), words(token.word)]);
    };
    const one = () => {
      const token = tokens[at++];
      if (!token) return null;
      if (token.operator && fold(token.operator) === "not") {
        excluded = !excluded;
        const part = one();
        excluded = !excluded;
        return part && ((sentence) => !part(sentence));
      }
      if (token.open) {
        const part = either();
        if (tokens[at]?.close) at++;
        return part;
      }
      return token.operator || token.close ? null : leaf(token);
    };
    const isNext = (name) => fold(tokens[at]?.operator ?? "") === name;
    const all = () => {
      const parts = [];
      while (at < tokens.length && !tokens[at].close && !isNext("or")) parts.push(isNext("and") ? (at++, null) : one());
      const held = parts.filter(Boolean);
      return held.length ? both(held) : null;
    };
    const either = () => {
      const parts = [all()];
      while (isNext("or")) { at++; parts.push(all()); }
      return any(parts);
    };
    const parts = [];
    while (at < tokens.length) { parts.push(either()); if (tokens[at]?.close) at++; }
    const held = parts.filter(Boolean);
    return held.length ? { holds: both(held), shown: new RegExp(shown.join("|") || "(?!)", "giu") } : null;
  };
})();
