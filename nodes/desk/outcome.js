// How a run ended that made nothing: said with its reason, and the field that is to blame shown.

import { tellEnd } from "./finish.js";
import { blame } from "./missing.js";
import { withoutPaths } from "./refusals.js";

const NOTHING = { Maps: "No maps", Picture: "No picture" };

/** The error of a run, told as what it means for the person; fields that it names are marked and the first has the focus. */
export function madeNothing(what, error) {
  if (error.problems?.length) blame(error.problems);
  error.message = `${NOTHING[what] ?? "Nothing made"}: ${withoutPaths(error.message)}`;
  clearPreview();
  tellEnd(what, false);
  return error;
}

/** What to say after a run that ended well, where it shows no picture. leftOut: the problems for which the server left outputs out. */
export function noPicture(outputs, leftOut) {
  if (leftOut.length) {
    blame(leftOut);
    return [`No picture: ${leftOut.map((one) => one.text).join("\n")}`, "error"];
  }
  if (Object.values(outputs).some((one) => one.text?.length)) return ["This graph makes a report and no picture. The report stands below the result.", ""];
  return ["No picture: the graph ran to its end, but what it saves or shows holds none.", "error"];
}

/** What a sampler saw on the way is no result. */
export function clearPreview() {
  const preview = document.querySelector("#result figure.preview");
  if (preview) preview.parentElement.replaceChildren();
}
