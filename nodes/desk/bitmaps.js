// A worker: decodes a picture and scales it down, which a page would stand still for. {blob, most} to {bitmap} or {error}.

onmessage = async ({ data: { blob, most } }) => {
  try {
    const whole = await createImageBitmap(blob);
    const share = most / Math.max(whole.width, whole.height);
    const smaller = { resizeWidth: Math.round(whole.width * share), resizeHeight: Math.round(whole.height * share), resizeQuality: "high" };
    const bitmap = share < 1 ? await createImageBitmap(whole, smaller) : whole;
    postMessage({ bitmap }, [bitmap]);
  } catch (error) {
    postMessage({ error: error.message });
  }
};
