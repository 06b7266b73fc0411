// The presets that come with the desk. They start from the values that a graph came with: what is right for three controls
// together is not what is right for one. By sort: `times` of the weight, and the range and curve to set.

const WHOLE = { start_percent: 0, end_percent: 1, schedule: "" };

export const SHIPPED = [
  { name: "Balanced", hint: "As the graph came.", sets: { Control: {}, "IP-Adapter": {}, LoRA: {}, Weight: {} } },
  { name: "Follow closely", hint: "Every control a quarter stronger and to the very end.", sets: { Control: { times: 1.25, ...WHOLE } } },
  { name: "Loose", hint: "Every control weaker, and off in the last third, where details are made.", sets: { Control: { times: 0.75, ...WHOLE, end_percent: 0.65 } } },
  { name: "Composition only", hint: "Every control at its strength until 40% of the way: places and outlines, and the rest is free.", sets: { Control: { times: 1, ...WHOLE, end_percent: 0.4 } } },
  { name: "Fade out", hint: "Every control a bit stronger at the beginning, and less and less of it.", sets: { Control: { times: 1.1, ...WHOLE, schedule: "0 1, 1 0" } } },
  { name: "Style first", hint: "The style picture stronger, the controls weaker.", sets: { "IP-Adapter": { times: 1.25, ...WHOLE }, Control: { times: 0.75, ...WHOLE, end_percent: 0.8 } }, needs: "IP-Adapter" },
];
