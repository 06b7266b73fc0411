// A worker: decodes a picture and scales it down, which a page would stand still for. {blob, most} to {bitmap} or {error}.

onmessage = async ({ data: { blob, most } }) => {
  try {
    const whole = await createImageBitmap(blob);
    const share = most / Math.max(whole.width, whole.height);
    const side = (long) => Math.max(1, Math.round(long * share)); // of a picture a pixel wide, too
    const smaller = { resizeWidth: side(whole.width), resizeHeight: side(whole.height), resizeQuality: "high" };
    const bitmap = share < 1 ? await createImageBitmap(whole, smaller) : whole;
    postMessage({ bitmap }, [bitmap]);
  } catch (error) {
    postMessage({ error: error.message });
  }
};
