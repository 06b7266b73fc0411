// What a server finds wrong with a prompt, in words: which node, which field, what to do. Paths of the server stay out.

const FIELDS = { ckpt: "checkpoint", unet: "diffusion model", lora: "LoRA", vae: "VAE", clip: "text encoder", "ip adapter": "IP-Adapter" };
const QUOTED_PATH = /(["'])(?:[A-Za-z]:)?[\\/][^"'\n]*[\\/]([^"'\\/\n]+)\1/g;
const PATH = /(?<![\w:/\\.])(?:[A-Za-z]:)?[\\/](?:[^\s\\/:*?"'<>|]+[\\/]+)+([^\s\\/:*?"'<>|]+)/g;

/** A text of the server without the folders of its disk: of a path the file's name stays. */
export const withoutPaths = (text) => text.replaceAll(QUOTED_PATH, "$1$2$1").replaceAll(PATH, "$1");

/** An input's name as a word: ckpt_name becomes checkpoint. */
export function spokenField(input) {
  const words = (input ?? "").split(".").pop().replace(/_?name\d*$/, "").replaceAll("_", " ") || input || "value";
  return FIELDS[words] ?? words;
}

/** What to do about a value that the server does not have. */
export function chooseText(title, input, value) {
  const field = spokenField(input);
  const what = `${title}: choose ${/^[aeiou]/i.test(field) ? "an" : "a"} ${field}`;
  return value ? `${what}; “${value}” is not on this server.` : `${what}.`;
}

/** What a number must be, as a person says it. */
export function rangeText({ min, max, step }) {
  const range = min !== undefined && max !== undefined ? `a number from ${min} to ${max}` : min !== undefined ? `a number of ${min} or more` : max !== undefined ? `a number of ${max} or less` : "a number";
  return step > 1 ? `${range}, in steps of ${step}` : range;
}

const configOf = (more) => more.input_config?.[1] ?? {};
const reasonOf = (error) => withoutPaths(error.extra_info?.exception_message ?? error.details ?? "");

/** How each kind of error is told: (title, error, the values in extra_info, the prompt) to a sentence. */
const TELLERS = {
  value_not_in_list: (title, _error, more) => chooseText(title, more.input_name, withoutPaths(String(more.received_value ?? ""))),
  required_input_missing: (title, _error, more) => `${title}: ${spokenField(more.input_name)} is missing. Link something to it in ComfyUI, or give it a value.`,
  value_smaller_than_min: (title, _error, more) => `${title}: ${spokenField(more.input_name)} is ${more.received_value}. Give ${rangeText(configOf(more))}.`,
  value_bigger_than_max: (title, _error, more) => `${title}: ${spokenField(more.input_name)} is ${more.received_value}. Give ${rangeText(configOf(more))}.`,
  invalid_input_type: (title, _error, more) => `${title}: ${spokenField(more.input_name)} cannot be “${more.received_value}”. Give ${more.input_config?.[0] === "INT" ? "a whole number" : "a number"}.`,
  return_type_mismatch: (title, _error, more, prompt) => `${title}: ${spokenField(more.input_name)} takes something else than ${nameOf(prompt, more.linked_node?.[0])} gives (${more.received_type}). Link another node to it in ComfyUI.`,
  bad_linked_input: (title, _error, more) => `${title}: the link of ${spokenField(more.input_name)} is broken. Link it again in ComfyUI.`,
  dependency_cycle: (title, _error, more, prompt) => `${title} is part of a circle: ${(more.cycle_nodes ?? []).map((id) => nameOf(prompt, id)).join(", ")}. Take one of its links out in ComfyUI.`,
  custom_validation_failed: (title, error, more) => `${title}: choose another ${spokenField(more.input_name)}. ${capital(withoutPaths((error.details ?? "").replace(/^\S+ - /, "")))}`,
  exception_during_inner_validation: (title, error, more, prompt) => `${nameOf(prompt, more.linked_node?.[0]) ?? title}: the server cannot read its values (${reasonOf(error)}). Look at its fields.`,
  exception_during_validation: (title, error) => `${title}: the server cannot read its values (${reasonOf(error)}). Look at its fields.`,
};

/** The same for errors that belong to no one node. */
const WHOLE = {
  prompt_no_outputs: () => "this graph saves and shows no picture. Add Save Image or Preview Image to it in ComfyUI.",
  no_prompt: () => "no graph was sent. Choose one.",
  missing_node_type: (error) => lackingNode(error.extra_info?.class_type ?? error.extra_info?.node_title ?? ""),
};

export const lackingNode = (kind) => `This server lacks the node ${kind}. Install the pack that holds it, or choose another graph.`;

/** One entry for each thing that the server finds wrong with a prompt: {node, input, text}. */
export function problems(nodeErrors, prompt) {
  const found = Object.entries(nodeErrors ?? {}).flatMap(([node, { class_type: kind, errors }]) =>
    errors.map((error) => {
      const more = error.extra_info ?? {};
      const title = nameOf(prompt, node) ?? kind;
      const tell = TELLERS[error.type] ?? ((title) => `${title}: ${withoutPaths([error.message, error.details].filter(Boolean).join(": "))}`);
      return { node, input: more.input_name, text: tell(title, error, more, prompt).trim() };
    }),
  );
  return found.filter((one, number) => found.findIndex((other) => other.text === one.text) === number);
}

/** The problems that a refusing answer names, or null when it is no refusal. */
export function refusalIn(body, prompt) {
  const error = body?.error;
  if (!error) return null;
  const found = problems(body.node_errors, prompt);
  if (found.length) return found;
  const told = WHOLE[error.type]?.(error) ?? withoutPaths([error.message ?? String(error), error.details].filter(Boolean).join(": "));
  return [{ node: error.extra_info?.node_id, text: told }];
}

const nameOf = (prompt, id) => prompt?.[id]?._meta?.title ?? prompt?.[id]?.class_type;
const capital = (text) => text && text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
