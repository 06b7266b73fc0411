// Waiting: of a run for what still goes into its graph, and of the page for a server that is away.

import { Away } from "./server.js";

const AGAIN_MILLISECONDS = 2000;
const coming = new Set(); // work that changes the graph, such as a picture that is being sent

/** Let runs wait for a piece of work that changes the graph; resolves and raises as it does. */
export async function awaited(work) {
  coming.add(work);
  try {
    return await work;
  } finally {
    coming.delete(work);
  }
}

/** Wait for what still goes into the graph; whether all of it did. */
export async function settled(desk) {
  while (coming.size) {
    desk.say("Waiting for what still goes into the graph …");
    const ends = await Promise.allSettled(coming);
    if (ends.some(({ status }) => status === "rejected")) return false; // which is said where it was begun
  }
  return true;
}

/** Do something at the opening of the page, and again for as long as the server is away. */
export async function patiently(desk, work) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Away)) throw error;
      desk.say("The server does not answer; the page waits for it …", "error");
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MILLISECONDS));
    }
  }
}
