// What our scripts say, in the reader's language; English where there is no translation. From web/options/LANG.json.

let texts = {}; // of the language in use: options and phrases, each by its English words

/** Use the texts of a language from now on; none for English. */
export async function useLanguage(language) {
  texts = {};
  if (!language || language === "en") return;
  try {
    const answer = await fetch(new URL(`../options/${language}.json`, import.meta.url));
    if (answer.ok) texts = await answer.json();
  } catch (failure) {
    console.warn(`Armature: no texts in the language "${language}".`, failure);
  }
}

/** A phrase, with what stands for {name} in it. Phrases are written out where they are said: that is how they are collected. */
export function say(phrase, values = {}) {
  return (texts.phrases?.[phrase] ?? phrase).replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function hasWords(option) {
  return option in (texts.options ?? {});
}

/** The value of an option, by which help and prompts name it, and behind it its words in the reader's language. */
export function optionLabel(option) {
  return hasWords(option) ? `${option} · ${texts.options[option]}` : String(option ?? "");
}
