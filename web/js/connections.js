// Colours for the sockets of our own types, and the nodes that usually follow where a link of such a type is let go.

import { app } from "../../../scripts/app.js";

const COLOURS = {
  CONTROL_SIGNAL: "#4cc9a0",
  CONTROL_STACK: "#1f9f7a",
  CONTROL_NET_STACK: "#7fb8a6",
  CONTROL_SAVINGS: "#8fb84c",
  CONTROL_ADAPTATION: "#5cb8b0",
  LAYER_WEIGHTS: "#d0a445",
  FRAME_WEIGHTS: "#d07f45",
  IP_ADAPTER: "#b07ce8",
  IP_ADAPTER_EMBEDS: "#8c62d6",
  FACE_EMBEDS: "#d67cc8",
  LORA_STACK: "#e0709a",
  LORA_OPTIONS: "#c25a6e",
  POSE_KEYPOINT: "#4c9be8",
  TRAINING_SET: "#c9b458",
};

// Type of an output -> what takes it, the most usual first.
const NEXT = {
  CONTROL_NET: ["ArmatureControlSignal", "ArmatureApplyControl"],
  CONTROL_SIGNAL: ["ArmatureControlStack", "ArmatureUnionSignal"],
  CONTROL_STACK: ["ArmatureApplyControlStack", "ArmaturePlotControlStack", "ArmatureSampleToAdherence", "ArmatureSaveRecord"],
  CONTROL_SAVINGS: ["ArmatureApplyControlStack", "ArmatureApplyControl"],
  CONTROL_ADAPTATION: ["ArmatureControlSignal", "ArmatureApplyControl", "ArmatureAdaptationReport"],
  LAYER_WEIGHTS: ["ArmatureControlSignal", "ArmatureApplyIPAdapter"],
  FRAME_WEIGHTS: ["ArmatureControlSignal", "ArmatureApplyIPAdapter"],
  IP_ADAPTER: ["ArmatureApplyIPAdapter", "ArmatureEncodeIPAdapterImage", "ArmatureTrainIPAdapter"],
  IP_ADAPTER_EMBEDS: ["ArmatureApplyIPAdapter", "ArmatureSaveIPAdapterEmbeds", "ArmatureCombineIPAdapterEmbeds"],
  FACE_EMBEDS: ["ArmatureApplyIPAdapter", "ArmatureConsistency"],
  LORA_STACK: ["ArmatureApplyLoRAStack", "ArmatureLoRAStack"],
  LORA_OPTIONS: ["ArmatureApplyLoRAStack"],
  POSE_KEYPOINT: ["ArmatureDrawPoses", "ArmatureAlignPoses"],
  TRAINING_SET: ["ArmatureTrainControlNeXt", "ArmatureTrainIPAdapter", "ArmatureTrainingSetForLoRA"],
};
// Type of an input -> what gives it.
const BEFORE = {
  CONTROL_SIGNAL: ["ArmatureControlSignal"],
  CONTROL_STACK: ["ArmatureControlStack"],
  CONTROL_SAVINGS: ["ArmatureProfile", "ArmatureControlSavings"],
  CONTROL_ADAPTATION: ["ArmatureControlAdaptation"],
  LAYER_WEIGHTS: ["ArmatureLayerWeights"],
  FRAME_WEIGHTS: ["ArmatureFrameWeights"],
  IP_ADAPTER: ["ArmatureLoadIPAdapter", "ArmatureTrainIPAdapter"],
  IP_ADAPTER_EMBEDS: ["ArmatureLoadIPAdapterEmbeds", "ArmatureEncodeIPAdapterImage"],
  FACE_EMBEDS: ["ArmatureFaceEmbeds"],
  LORA_STACK: ["ArmatureLoRAStack"],
  LORA_OPTIONS: ["ArmatureLoRAOptions"],
  POSE_KEYPOINT: ["ArmaturePosesFromJSON", "ArmatureExamplePoses"],
  TRAINING_SET: ["ArmatureTrainingFolder"],
};

app.registerExtension({
  name: "Armature.Connections",
  beforeConfigureGraph: paint, // the theme is read after `setup`, and before the first graph
  setup() {
    paint();
    suggest("slot_types_default_out", NEXT);
    suggest("slot_types_default_in", BEFORE);
    app.ui?.settings?.addEventListener?.("Comfy.ColorPalette.change", () => setTimeout(paint));
  },
});

/** Give our types their colours, where the theme has none of its own: on the canvas, and where nodes are elements of the page. */
function paint() {
  const byType = app.canvas.default_connection_color_byType;
  const links = app.canvas.constructor.link_type_colors;
  for (const [type, colour] of Object.entries(COLOURS)) {
    byType[type] ||= colour;
    if (links) links[type] ||= colour;
    const name = `--color-datatype-${type}`;
    const style = document.documentElement.style;
    if (!style.getPropertyValue(name)) style.setProperty(name, colour);
  }
}

/** Put nodes in front of what is suggested for links of a type, without those that this server does not have. */
function suggest(name, byType) {
  const lists = window.LiteGraph[name];
  for (const [type, nodes] of Object.entries(byType)) {
    const known = nodes.filter((node) => node in window.LiteGraph.registered_node_types);
    const others = [].concat(lists[type] ?? []).filter((node) => !known.includes(node));
    lists[type] = [...known, ...others];
  }
}
