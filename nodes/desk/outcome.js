// How a run ended that made nothing: said with its reason, and the field that is to blame shown.

import { tellEnd } from "./finish.js";
import { blame } from "./missing.js";
import { withoutPaths } from "./refusals.js";
import { Refused, saidOf } from "./server.js";

const NOTHING = { Maps: "No maps", Picture: "No picture" };

/**
 * The error of a run, told as what it means for the person. here: whether its graph is the one that is shown, of which fields that
 * the error names are marked and the first has the focus.
 */
export function madeNothing(what, error, here) {
  if (here && error.problems?.length) blame(error.problems);
  clearPreview();
  tellEnd(what, false);
  return new Refused(`${NOTHING[what] ?? "Nothing made"}: ${withoutPaths(saidOf(error))}`);
}

/** What to say after a run that ended well, where it shows no picture. leftOut: the problems for which the server left outputs out; here: as above. */
export function noPicture(outputs, leftOut, here) {
  if (leftOut.length) {
    if (here) blame(leftOut);
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
